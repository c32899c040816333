"""Starting on garbage, and stopping in good order: messages, exit codes, nothing left behind."""
import os
import socket
import subprocess

from support.expect import alone, expect, wait_until
from support.wire import DISCONNECT, PUBACK, Client


def ends_with(broker, code, *parts):
    broker.launch()
    found = broker.exit_code()
    expect(found == code, f"exit code {found}, not {code}: {broker.log_tail()}")
    for part in parts:
        expect(part in broker.log(), f"'{part}' is not in: {broker.log_tail()}")


def run(ctx, *arguments):
    with ctx.program("tandemqd", *arguments, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                     text=True) as process:
        out = process.communicate(timeout=20)[0]
        return process.returncode, out


def test_command_line(ctx):
    expect(run(ctx, "--version")[1].startswith("tandemqd "), "--version")
    code, out = run(ctx, "--help")
    expect(code == 0 and "--check" in out and "--config" in out, f"--help: {code} {out}")
    expect(run(ctx, "--nonsense")[0] == 2, "an unknown option")
    code, out = run(ctx, "-c", "/nowhere/x.toml")
    expect(code == 2 and "/nowhere/x.toml" in out, f"no such file: {code} {out}")


def test_check(ctx):
    broker = ctx.broker()
    broker.write_config()
    code, out = run(ctx, "-c", broker.config_file, "--check")
    expect(code == 0 and "is good" in out, f"{code} {out}")
    expect(not os.path.exists(broker.data), "--check made the data folder")
    broker.settings["auth.acl_file"] = os.path.join(ctx.folder, "acl")
    with open(broker.settings["auth.acl_file"], "w", encoding="utf-8") as file:
        file.write("topic read a\nnonsense\n")
    broker.write_config()
    code, out = run(ctx, "-c", broker.config_file, "--check")
    expect(code == 2 and "/acl:2: " in out, f"{code} {out}")


def test_bad_configuration(ctx):
    for number, (key, value, part) in enumerate((
            ("listener.port", 99999, "listener.port is 99999 but must be from 1 to 65535"),
            ("listener.port", "x", "listener.port must be a whole number"),
            ("listener.prot", 1, "unknown key 'listener.prot'; remove it"),
            ("nonsense.key", 1, "unknown section or key 'nonsense'; remove it"),
            ("replication.mode", "triple", "must be one of \"pair\", \"single\""),
            ("replication.mode", "pair", "replication.peer must name the other node"),
            ("limits.receive_maximum", 0, "limits.receive_maximum is 0"),
            ("auth.allow_anonymous", "yes", "auth.allow_anonymous must be true or false"),
            ("node.name", "a b", "node.name must be 1 to 32 letters"),
            ("node.data_dir", "", "node.data_dir must not be empty"),
            ("node.control_socket", "", "node.control_socket must not be empty"),
            ("log.level", "loud", "log.level must be one of"),
            ("metrics.listen", "here", "must be \"ADDRESS:PORT\""),
            ("auth.password_file", "/nowhere/p", "auth.password_file /nowhere/p cannot be read"),
            ("auth.acl_file", "/nowhere/a", "auth.acl_file /nowhere/a cannot be read"))):
        broker = ctx.broker(f"n{number}")
        broker.settings[key] = value
        ends_with(broker, 2, part)
        if not key.startswith("auth.") or value == "yes":
            expect(f"{broker.config_file}:" in broker.log(), f"file and line: {broker.log_tail()}")


def test_not_toml(ctx):
    broker = ctx.broker()
    broker.write_config()
    with open(broker.config_file, "a", encoding="utf-8") as file:
        file.write("this is = = not\n")
    with open(broker.config_file, encoding="utf-8") as file:
        lines = len(file.readlines())
    code, out = run(ctx, "-c", broker.config_file)
    expect(code == 2 and f"{broker.config_file}:{lines}: not valid TOML" in out, f"{code} {out}")


def check_text(ctx, content):
    """What --check says about a file with this content."""
    path = os.path.join(ctx.folder, "garbage.toml")
    with open(path, "wb") as file:
        file.write(content)
    code, out = run(ctx, "-c", path, "--check")
    return code, out.strip().replace(path, "FILE")


def test_garbage_instead_of_a_configuration(ctx):
    """One sentence with the place; nothing about keys that only seem to be missing."""
    for content, part in (
            (b"[node]\nname = 'a'\nname = 'b'\n", "FILE:3: not valid TOML"),
            (b"[node]\nname = 'a'\n[node]\nindex = 1\n", "FILE:3: not valid TOML"),
            (b"[node]\nname = '\xff'\n", "FILE:2: not valid TOML"),
            ("[node]\n".encode("utf-16"), "FILE:1: not valid TOML"),
            (bytes(100), "FILE:1: not valid TOML"), (b"[" * 100_000, "FILE:1: not valid TOML"),
            (b"listener 1883\npersistence true\n", "FILE:1: not valid TOML")):
        code, out = check_text(ctx, content)
        expect(code == 2 and part in out, f"{content[:30]}: {code} {out[:300]}")
        expect(out.count("\n") == 0, f"more than one sentence: {out[:300]}")
    for content in (b"", b"# nothing\n"):
        code, out = check_text(ctx, content)
        expect(code == 2 and "FILE: replication.pair_id must be set" in out, f"{code} {out}")
    code, out = run(ctx, "-c", ctx.folder, "--check")
    expect(code == 2 and "Is a directory" in out, f"a folder: {code} {out}")


def test_listeners_in_the_way(ctx):
    """All of them in one run, before anything is bound."""
    code, out = check_text(ctx, b"""[replication]
mode = 'single'
[[listener]]
port = 1883
[[listener]]
port = 9883
""")
    expect(code == 2, f"{code} {out}")
    for part in ("FILE:5: listener.name is \"mqtt\" a second time",
                 "FILE:6: listener.port is 9883 on 0.0.0.0, which metrics.listen has already"):
        expect(part in out, f"'{part}' is not in: {out}")
    code, out = check_text(ctx, b"[replication]\nmode = 'single'\n")
    expect(code == 0 and "no client can log in at listener mqtt" in out, f"{code} {out}")


def test_metrics_on_the_port_of_the_link(ctx):
    code, out = check_text(ctx, b"""[replication]
pair_id = "p"
peer = "b"
listen = "10.98.0.11:9883"
peer_address = "10.98.0.12:9883"
allow_plain = true
[metrics]
listen = "0.0.0.0:9883"
""")
    expect(code == 2 and "FILE:8: metrics.listen is the port of replication.listen, too" in out,
           f"{code} {out}")


def test_files_are_private(ctx):
    """Whatever umask the broker is started with; SQLite would make its file readable to all."""
    broker = ctx.broker()
    broker.settings["log.target"] = os.path.join(broker.folder, "own.log")
    broker.start(wrapper=("sh", "-c", 'umask 0; exec "$@"', "sh"))
    broker.control("checkpoint")
    wait_until(lambda: os.path.exists(f"{broker.data}/checkpoint.db"), "the checkpoint is there")
    found = [broker.socket_file, broker.settings["log.target"]]
    for folder, folders, files in os.walk(broker.data):
        found += [os.path.join(folder, name) for name in folders + files]
    open_to_all = [path for path in found if os.stat(path).st_mode & 0o007]
    expect(len(found) > 5 and not open_to_all, f"open to everybody: {open_to_all}")


def test_a_file_without_end(ctx):
    for arguments in (("tandemqd", "-c", "/dev/zero", "--check"),
                      ("tandemq-agent", "-c", "/dev/zero", "--check")):
        process = ctx.program(*arguments, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        out = process.communicate(timeout=30)[0].decode()
        expect(process.returncode == 2 and "longer than 64 MiB" in out,
               f"{arguments[0]}: {process.returncode} {out[:200]}")


def test_odd_but_good_files(ctx):
    text = "[node]\nname = 'a'\n[replication]\nmode = 'single'\n"
    for content in (b"\xef\xbb\xbf" + text.encode(), text.replace("\n", "\r\n").encode(),
                    text.rstrip().encode()):
        code, out = check_text(ctx, content)
        expect(code == 0, f"{content}: {out}")


def test_a_failed_start_is_told_once(ctx):
    broker = ctx.broker(listener_address="192.0.2.1.1")
    ends_with(broker, 3)
    expect(broker.log().count("cannot listen on") == 1, broker.log())


def test_data_folder(ctx):
    broker = ctx.broker()
    with open(broker.data, "w", encoding="utf-8"):
        pass
    ends_with(broker, 3, "cannot use the data folder", "set node.data_dir")
    broker = ctx.broker("proc")
    broker.settings["node.data_dir"] = "/proc/nothing/here"
    ends_with(broker, 3, "cannot use the data folder /proc/nothing/here")


def test_port_in_use(ctx):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        broker = ctx.broker(listener_port=other.getsockname()[1])
        ends_with(broker, 3, "cannot listen on 127.0.0.1", "another program has the port")
        broker = ctx.broker("metrics", metrics_listen=f"127.0.0.1:{other.getsockname()[1]}")
        ends_with(broker, 3, "cannot serve metrics on", "metrics.listen")
    broker = ctx.broker("address", listener_address="203.0.113.7.8")
    ends_with(broker, 3, "cannot listen on 203.0.113.7.8")


def test_second_broker(ctx):
    first = ctx.broker().start()
    second = ctx.broker("second")
    second.settings["node.data_dir"] = first.data
    ends_with(second, 3, "is in use by another broker")
    third = ctx.broker("third")
    third.settings["node.control_socket"] = first.socket_file
    ends_with(third, 3, "another process answers on it")
    expect(first.control("ping")["ok"], "the first one goes on")


def test_log_file(ctx):
    broker = ctx.broker(log_target="/proc/nothing/log")
    ends_with(broker, 3, "cannot open the log file")
    target = os.path.join(ctx.folder, "own.log")
    broker = ctx.broker("good", log_target=target).start()
    broker.stop()
    with open(target, encoding="utf-8") as file:
        text = file.read()
    expect("level=notice event=started" in text and "event=stopped" in text, f"got {text}")


def test_pid_file(ctx):
    path = os.path.join(ctx.folder, "pid")
    broker = ctx.broker(node_pid_file=path).start()
    with open(path, encoding="utf-8") as file:
        expect(int(file.read()) == broker.process.pid, "another number")
    broker.stop()
    expect(not os.path.exists(path), "the pid file is left")
    expect(not os.path.exists(broker.socket_file), "the control socket is left")


def test_orderly_stop(ctx):
    broker = ctx.broker().start()
    reader = Client(broker.port, "reader")
    reader.subscribe("a")
    old = Client(broker.port, "old", 4, clean=True)
    writer = Client(broker.port, "writer", clean=True, expiry=0)
    writer.publish("a", "kept", 1)
    writer.receive(PUBACK)
    broker.process.terminate()
    found = [p for p in reader.expect_closed() if p.kind == DISCONNECT]
    expect([p.code for p in found] == [0x8b], f"got {found}")
    expect(old.expect_closed() == [], "3.1.1 has no DISCONNECT from the server")
    expect(broker.exit_code() == 0, "the exit code")
    broker.start()
    again = Client(broker.port, "reader")
    expect(again.connack.session_present, "the session")
    expect([p.payload for p in again.drain()] == [b"kept"], "the message that it did not acknowledge")


def test_stop_without_clients_is_quick(ctx):
    broker = ctx.broker().start()
    broker.stop()
    broker.start()
    broker.control("shutdown")
    expect(broker.exit_code(5) == 0, "shutdown over the control socket")


def test_metrics(ctx):
    from urllib.request import urlopen
    from support.expect import free_port
    port = free_port()
    broker = ctx.broker(metrics_listen=f"127.0.0.1:{port}").start()
    client = Client(broker.port, "c", clean=True, expiry=0)
    client.subscribe("a", 1)
    for qos in (0, 1, 1):
        client.publish("a", "x", qos)
    client.drain()
    for _ in range(2):
        Client(broker.port, "p", clean=False, expiry=60).disconnect()

    def read():
        with urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
            return answer.read().decode()
    wait_until(lambda: 'tandemq_messages_received_total{qos="1"} 2' in read(), "counted", 5)
    text = read()
    for line in ('tandemq_messages_received_total{qos="0"} 1', 'tandemq_role{role="primary"} 1',
                 'tandemq_pair_state{state="solo"} 1', "tandemq_connections 1", "tandemq_sessions 2",
                 "tandemq_connects_total 3", "tandemq_sessions_resumed_total 1",
                 "tandemq_subscriptions 1", "tandemq_commit_latency_seconds_bucket",
                 "tandemq_turn_seconds_count", "tandemq_journal_bytes", "tandemq_build_info"):
        expect(line in text, f"'{line}' is missing")


@alone
def test_idle_connections_keep_no_scrape_out(ctx):
    """However many there are, and however they come back: they are bounded in time and number."""
    import time
    from urllib.request import urlopen
    from support.expect import free_port
    port = free_port()
    broker = ctx.broker(metrics_listen=f"127.0.0.1:{port}").start()

    def open_one(says=b""):
        one = socket.create_connection(("127.0.0.1", port), 5)
        one.settimeout(10)
        one.sendall(says)
        return one
    wait_until(lambda: b"tandemq_role" in urlopen(f"http://127.0.0.1:{port}/metrics").read(),
               "there are figures", 5)
    idle = [open_one(b"GET /metrics HT" if n % 2 else b"") for n in range(200)]
    slowest = 0
    for _ in range(20):
        begun = time.monotonic()
        with urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
            expect(b"tandemq_role" in answer.read(), "the figures")
        slowest = max(slowest, time.monotonic() - begun)
        idle.append(open_one())
    expect(slowest < 1, f"a scrape took {slowest:.2f} s")
    expect(len(os.listdir(f"/proc/{broker.process.pid}/fd")) < 100, "they take no descriptors")
    begun = time.monotonic()
    expect(idle[-1].recv(1) == b"" and time.monotonic() - begun < 8, "who says nothing is let go")
    for says, code in ((b"GET /other HTTP/1.1\r\n\r\n", b"404"), (b"x" * 9000, b"431"),
                       (b"POST /metrics HTTP/1.1\r\n\r\n", b"405")):
        got = open_one(says).recv(100)
        expect(got.startswith(b"HTTP/1.1 " + code), f"{says[:20]}: {got[:40]}")


@alone
def test_metrics_do_not_delay_the_end(ctx):
    """The agent waits for the process to be gone."""
    import time
    from support.expect import free_port
    broker, taken = ctx.broker(metrics_listen=f"127.0.0.1:{free_port()}"), []
    for _ in range(3):
        broker.start()
        begun = time.monotonic()
        broker.process.terminate()
        expect(broker.exit_code(5) == 0, "the exit code")
        taken.append(time.monotonic() - begun)
    expect(min(taken) < 0.3, f"the process ended {min(taken):.2f} s after SIGTERM")
