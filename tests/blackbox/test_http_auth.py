"""A web server that is asked who may come in (http_auth_url): what it says holds, its silence refuses."""
import os
import shutil
import signal
import ssl
import struct
import time
import urllib.request

from support.expect import expect, free_port, wait_until
from support.login_server import LoginServer
from support.pair import Pair
from support.passwords import write_passwords
from support.pki import Pki
from support.tokens import token, write_keys
from support.wire import CONNACK, CONNECT, DISCONNECT, PUBLISH, Client, Raw, packet, text

UNAVAILABLE, BAD_LOGIN = 0x88, 0x86


def start(ctx, server, **more):
    return ctx.broker(auth_http_auth_url=server.url, **more).start()


def come(broker, user, client_id="c", password="secret", version=5):
    return Client(broker.port, client_id, version, username=user, password=password)


def code_of(*arguments, **more):
    client = come(*arguments, **more)
    client.close()
    return client.connack.code


def metrics(broker):
    with urllib.request.urlopen(f"http://{broker.settings['metrics.listen']}/metrics", timeout=5) as page:
        return page.read().decode()


def waiting(broker, client_id, user, password="secret"):
    """A connection whose log-in is under way."""
    client = Raw(broker.port, 4)
    client.send(packet(CONNECT, 0, text("MQTT") + b"\x04\xc2" + struct.pack("!H", 60)
                       + text(client_id) + text(user) + text(password)))
    return client


def test_its_answer_is_log_in_and_rights(ctx):
    """And no more than the listener's own rules allow."""
    rules = os.path.join(ctx.folder, "acl")
    with open(rules, "w", encoding="utf-8") as file:
        file.write("pattern readwrite a/#\n")
    with LoginServer() as server:
        broker = start(ctx, server, auth_acl_file=rules, metrics_listen=f"127.0.0.1:{free_port()}")
        server.answer = {"alice": {"allow": True, "rights": {"sub": ["a/b", "c"], "pub": ["a/b"]}},
                         "bob": {"allow": True}, "eve": {"allow": False}}
        alice = come(broker, "alice")
        expect([alice.subscribe(topic).codes[0] for topic in ("a/b", "a/c", "c")] == [1, 0x87, 0x87],
               "what she may read")
        alice.publish("a/b", "1", 1)
        expect(alice.receive(PUBLISH).payload == b"1", "what she may write")
        asked = server.asked[0]
        expect(asked == {"client_id": "c", "username": "alice", "password": "secret",
                         "address": "127.0.0.1", "listener": "mqtt"}, f"{asked}")
        bob = come(broker, "bob", "d")
        expect([bob.subscribe(topic).codes[0] for topic in ("a/c", "c")] == [1, 0x87], "by the rules")
        expect(code_of(broker, "eve") == BAD_LOGIN and code_of(broker, "nobody") == BAD_LOGIN,
               "whom it refuses")
        expect(code_of(broker, "nobody", version=4) == 4, "by 3.1.1")
        expect(broker.tells("event=login_failed"), "as fail2ban reads it")
        expect("secret" not in broker.log(), "a password is in the log")
        for result, count in (("allowed", 2), ("refused", 3), ("failed", 0)):
            line = f'tandemq_http_auth_logins_total{{result="{result}"}} {count}\n'
            wait_until(lambda line=line: line in metrics(broker), line)


def test_what_is_no_yes_refuses(ctx):
    with LoginServer() as server:
        broker = start(ctx, server, auth_http_auth_timeout_ms=300)
        wrong = (500, 204, b"{", b"[]", b"yes", {"allow": 1}, {}, {"allow": True, "lasts_s": 0},
                 {"allow": True, "rights": [""], "lasts_s": "1"}, {"allow": True, "rights": 3},
                 {"allow": True, "rights": {"all": ["#"]}}, b" " * 70_000)
        for said in wrong:
            server.answer["alice"] = said
            expect(code_of(broker, "alice") == UNAVAILABLE, f"{said!r:.60}")
        server.answer["good"] = {"allow": True}
        expect(code_of(broker, "good", "g") == 0, "wrong answers are no absence")
        asked = len(server.asked)
        for password, code in (("", BAD_LOGIN), ("x" * 20_000, BAD_LOGIN)):
            expect(code_of(broker, "good", "g", password) == code, f"{password:.3}")
        expect(len(server.asked) == asked, "asked for nothing")
        server.answer["alice"], server.delay_s = {"allow": True}, 4
        begun = time.monotonic()
        expect(code_of(broker, "alice") == UNAVAILABLE, "too late")
        expect(time.monotonic() - begun < 3, "it is waited for")
        expect(broker.tells("event=login_server_failed"), "told")


def test_away_and_back(ctx):
    """What it allowed holds for a while; others are refused at once, and it is asked again."""
    with LoginServer() as server:
        broker = start(ctx, server, auth_http_auth_timeout_ms=500,
                       metrics_listen=f"127.0.0.1:{free_port()}")
        server.answer = {"alice": {"allow": True}, "bob": {"allow": True}}
        expect(code_of(broker, "alice") == 0, "while it answers")
        port = server.port
    for n in range(4):
        expect(code_of(broker, "bob", f"b{n}") == UNAVAILABLE, "nobody answers")
    expect(broker.tells("event=login_server_away"), "told")
    expect(code_of(broker, "alice") == 0, "whom it allowed")
    expect(code_of(broker, "alice", password="other") == UNAVAILABLE, "not with another password")
    expect(code_of(broker, "alice", "d") == UNAVAILABLE, "nor as another client")
    wait_until(lambda: f'tandemq_http_auth_up{{url="{server.url}"}} 0\n' in metrics(broker), "metrics")
    expect(broker.status()["login_servers"] == [{"url": server.url, "answers": False}], "status")
    with LoginServer(port) as again:
        again.answer = {"bob": {"allow": True}}
        wait_until(lambda: code_of(broker, "bob", "b") == 0, "it is asked again")
        expect(broker.tells("event=login_server_back"), "told")
        expect(broker.status()["login_servers"][0]["answers"], "status")


def test_who_leaves_before_the_answer_tells_as_well(ctx):
    """Else nobody would learn that the server hangs, or that it is back, from impatient clients."""
    with LoginServer() as server:
        broker = start(ctx, server, auth_http_auth_timeout_ms=300)
        server.answer, server.delay_s = {"alice": {"allow": True}}, 10
        for n in range(4):
            one = waiting(broker, f"w{n}", "alice")
            time.sleep(0.1)
            one.close()
        wait_until(lambda: not broker.status()["login_servers"][0]["answers"], "it does not answer")
        time.sleep(1)
        expect(code_of(broker, "alice") == UNAVAILABLE, "it hangs")
        expect(broker.tells("event=login_server_away"), "told")
        server.delay_s = 0

        def comes_back():
            waiting(broker, "w", "alice").close()
            return broker.status()["login_servers"][0]["answers"]
        wait_until(comes_back, "it answers one who has left")
        expect(code_of(broker, "alice", "d") == 0, "it is asked")
        expect(broker.tells("event=login_server_back"), "told")


def test_whom_it_trusts(ctx):
    """With http_auth_cafile that authority alone; a reload reads the file anew, whatever is remembered."""
    ours, others = Pki(ctx.folder, "ours"), Pki(ctx.folder, "others")
    ours.issue("server")
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(ours.path("server.pem"), ours.path("server.key"))
    with LoginServer(tls=tls) as server:
        server.answer = {"alice": {"allow": True}}
        cafile = os.path.join(ctx.folder, "ca.pem")
        shutil.copy(ours.cafile, cafile)
        broker = start(ctx, server, auth_http_auth_cafile=cafile, auth_http_auth_cache_s=0)
        expect(code_of(broker, "alice") == 0, "by its authority")
        expect(broker.log().count("in clear") == 0, "it is no http://")
        shutil.copy(others.cafile, cafile)
        broker.control("reload")
        expect(code_of(broker, "alice") == UNAVAILABLE, "by another authority")
        expect(broker.tells("event=login_server_failed"), "told")
        stranger = ctx.broker("b", auth_http_auth_url=server.url).start()
        expect(code_of(stranger, "alice") == UNAVAILABLE, "by those that the host trusts")
        expect(len(server.asked) == 1, "a password went to a server that is not trusted")


def test_a_slow_server_holds_up_nobody_else(ctx):
    """Who is in is served, who is in the password file comes in, who gives up is not asked for."""
    users = os.path.join(ctx.folder, "users")
    write_passwords(users, {"carol": "secret"}, 1000)
    with LoginServer() as server:
        broker = start(ctx, server, auth_password_file=users, auth_http_auth_timeout_ms=5000)
        server.answer = {"alice": {"allow": True}}
        alice = come(broker, "alice")
        alice.subscribe("t")
        server.delay_s = 4
        impatient = [waiting(broker, f"w{n}", "alice") for n in range(20)]
        begun = time.monotonic()
        expect(code_of(broker, "carol", "k") == 0, "a user of the password file")
        alice.publish("t", "1", 1)
        expect(alice.receive(PUBLISH).payload == b"1", "who is in")
        expect(time.monotonic() - begun < 3, "held up")
        for one in impatient:
            one.close()
        server.delay_s = 0
        expect(code_of(broker, "alice", "late") == 0, "after those that gave up")
        broker.stop()
        expect(broker.process.returncode == 0, "it ends")


def test_a_right_guess_among_many_is_not_remembered(ctx):
    """It is slowed down with the others, and must not open the door a moment later."""
    with LoginServer() as server:
        broker = start(ctx, server, auth_http_auth_requests_max=1)
        server.answer, server.password = {"alice": {"allow": True}}, "right"
        guesses = [waiting(broker, "c", "alice", f"wrong{n}") for n in range(11)]
        guesses.append(waiting(broker, "c", "alice", "right"))
        codes = [one.receive(CONNACK).code for one in guesses]
        expect(codes[0] == 4 and codes[-1] == 3, f"{codes}")
        expect(len(server.asked) == 12, "all were asked about")
        server.answer = {}
        wait_until(lambda: code_of(broker, "alice", password="right") != 0x9F, "it is not slowed down")
        expect(len(server.asked) == 13, "it was remembered")


def test_beside_tokens(ctx):
    keys = write_keys(os.path.join(ctx.folder, "keys.json"), "one")
    with LoginServer() as server:
        broker = start(ctx, server, auth_jwt_jwks_file=keys)
        server.answer = {"alice": {"allow": True}}
        expect(code_of(broker, "alice") == 0, "a password")
        expect(code_of(broker, None, "t", token(sub="bob")) == 0, "a token")
        expect([one["username"] for one in server.asked] == ["alice"], f"{server.asked}")


def test_beside_users_at_run_time(ctx):
    """Whom the server lets in has the rights of the rules; without any, none."""
    rules = os.path.join(ctx.folder, "acl")
    with open(rules, "w", encoding="utf-8") as file:
        file.write("pattern readwrite a/#\n")
    with LoginServer() as server:
        server.answer = {"alice": {"allow": True}}
        for name, acl_file, granted in (("with", rules, 1), ("without", "", 0x87)):
            broker = ctx.broker(name, auth_http_auth_url=server.url, auth_runtime_users=True,
                                auth_acl_file=acl_file).start()
            expect(come(broker, "alice").subscribe("a/b").codes == [granted], name)


def test_an_end_and_a_header(ctx):
    header = os.path.join(ctx.folder, "header")
    with open(header, "w", encoding="utf-8") as file:
        file.write("Authorization: Bearer one\n")
    os.chmod(header, 0o600)
    with LoginServer() as server:
        broker = start(ctx, server, auth_http_auth_header_file=header)
        server.answer = {"alice": {"allow": True, "lasts_s": 2}, "bob": {"allow": True}}
        alice = come(broker, "alice")
        expect(server.headers[-1]["Authorization"] == "Bearer one", f"{server.headers[-1]}")
        found = alice.expect_closed()
        expect([(p.kind, p.code) for p in found] == [(DISCONNECT, 0xA0)], f"{found}")
        for text, event in (("no header", "event=reload_failed"),
                            ("Authorization: Bearer two", "event=reloaded")):
            with open(header, "w", encoding="utf-8") as file:
                file.write(text)
            broker.process.send_signal(signal.SIGHUP)
            expect(broker.tells(event), event)
            expect(code_of(broker, "bob", "d") == 0, "it is asked")
        expect(server.headers[-1]["Authorization"] == "Bearer two", "after a reload it is asked anew")
        expect("Bearer one" not in broker.log(), "the header is in the log")


def test_after_a_failover(ctx):
    """The new primary asks for itself."""
    with LoginServer() as server:
        server.answer = {"alice": {"allow": True, "rights": {"sub": ["a"], "pub": ["a"]}}}
        pair = Pair(ctx, auth_http_auth_url=server.url).start()
        come(pair.a, "alice").subscribe("a")
        pair.take_over(pair.b, pair.a)
        alice = come(pair.b, "alice")
        expect(alice.connack.code == 0 and alice.subscribe("b").codes == [0x87], "its rights")
        expect(len(server.asked) == 2, f"{len(server.asked)}")


def test_configurations(ctx):
    for n, (settings, parts) in enumerate((
            ({"auth_http_auth_url": "ftp://x"}, ("auth.http_auth_url", "https://")),
            ({"auth_http_auth_url": "https://"}, ("auth.http_auth_url", "with a host")),
            ({"auth_http_auth_url": "https://me:secret@x/y"}, ("http_auth_header_file",)),
            ({"auth_http_auth_cafile": "/x"}, ("auth.http_auth_url", "mean nothing")),
            ({"auth_http_auth_url": "https://x", "auth_http_auth_header_file": "/nowhere"},
             ("/nowhere", "cannot be read")),
            ({"auth_http_auth_url": "https://x", "auth_http_auth_requests_max": 0}, ("requests_max",)))):
        broker = ctx.broker(f"n{n}", **settings).launch()
        expect(broker.exit_code() == 2, f"{settings}: {broker.log_tail()}")
        expect(all(part in broker.log() for part in parts), f"{settings}: {broker.log_tail()}")
