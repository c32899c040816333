"""Password file and ACL file, in mosquitto's formats, and reading them again on SIGHUP."""
import os
import signal
import subprocess
import threading
import time

from support.expect import Skipped, alone, expect, free_port, wait_until
from support.passwords import digest_of, write_passwords
from support.turn_clock import TurnClock
from support.wire import CONNACK, PINGREQ, PINGRESP, PUBACK, PUBLISH, Client, packet


def passwords(ctx, **users):
    path = os.path.join(ctx.folder, "passwords")
    try:
        for n, (user, password) in enumerate(users.items()):
            subprocess.run(["mosquitto_passwd", "-b", *(["-c"] if n == 0 else []), path, user,
                            password], check=True)
    except FileNotFoundError:
        raise Skipped("mosquitto_passwd is not installed") from None
    os.chmod(path, 0o600)
    return path


def code(broker, version=5, **arguments):
    return Client(broker.port, "c", version, clean=True, expiry=0, **arguments).connack.code


def test_passwords(ctx):
    """[5:3.1.4-2 3:3.1.4-5]"""
    broker = ctx.broker(auth_allow_anonymous=False,
                        auth_password_file=passwords(ctx, alice="secret", bob="other")).start()
    expect(code(broker, username="alice", password="secret") == 0, "the right password")
    expect(code(broker, username="alice", password="other") == 0x86, "a wrong one")
    expect(code(broker, username="eve", password="secret") == 0x86, "an unknown user")
    expect(code(broker, username="alice") == 0x86, "no password")
    expect(code(broker) == 0x87, "anonymous")
    expect(code(broker, 4, username="alice", password="x") in (4, 5), "3.1.1, wrong password")
    expect(code(broker, 4) == 5, "3.1.1, anonymous")
    expect("secret" not in broker.log(), "a password is in the log")


def test_anonymous_beside_passwords(ctx):
    broker = ctx.broker(auth_allow_anonymous=True,
                        auth_password_file=passwords(ctx, alice="secret")).start()
    expect(code(broker) == 0, "anonymous")
    expect(code(broker, username="alice", password="x") == 0x86, "a wrong password")


def test_passwords_alone_keep_anonymous_clients_out(ctx):
    broker = ctx.broker(auth_password_file=passwords(ctx, alice="secret")).start()
    expect(code(broker, username="alice", password="secret") == 0, "the right password")
    expect(code(broker) == 0x87, "anonymous, although nobody allowed it")


def test_bad_files(ctx):
    """No start with a file that says something else than its owner means."""
    plain = os.path.join(ctx.folder, "plain")
    with open(plain, "w", encoding="utf-8") as file:
        file.write("alice:secret\n")
    for number, (key, value, parts) in enumerate((
            ("auth_password_file", ctx.folder, ("auth.password_file", "Is a directory")),
            ("auth_acl_file", ctx.folder, ("auth.acl_file", "Is a directory")),
            ("auth_password_file", plain, ("plain:1: ", "mosquitto_passwd")),
            ("auth_acl_file", plain, ("plain:1: ", "write topic, user or pattern")),
            ("auth_acl_file", acl(ctx, "topic read a/#/b\n"), ("acl:1: ", "no topic filter")))):
        broker = ctx.broker(f"n{number}", **{key: value}).launch()
        expect(broker.exit_code() == 2, f"{key} {value}: {broker.log_tail()}")
        for part in parts:
            expect(part in broker.log(), f"'{part}' is not in: {broker.log_tail()}")
        expect("secret" not in broker.log() or key == "auth_acl_file", "a password is in the log")


def test_acl_user_pattern(ctx):
    """%u is the user, %c the client; neither can be chosen to reach other topics."""
    broker = ctx.broker(auth_acl_file=acl(
        ctx, "pattern readwrite home/%u/#\npattern read dev/%c\npattern deny home/%u/secret\n"))
    broker.start()
    alice = Client(broker.port, "phone", clean=True, expiry=0, username="alice")
    for topic, reason in (("home/alice/x", 0), ("home/bob/x", 0x87), ("home/alice/secret", 0x87),
                          ("dev/phone", 0x87)):
        alice.publish(topic, "1", 1)
        expect(alice.receive(PUBACK).code in (reason, 0x10 if reason == 0 else reason), topic)
    expect(alice.subscribe("dev/phone").codes == [1], "its own device")
    for name in ("+", "#", "a/b", "alice/#"):
        evil = Client(broker.port, f"e{name}", clean=True, expiry=0, username=name)
        expect(evil.subscribe(f"home/{name}/x" if name == "a/b" else "home/alice/x").codes
               == [0x87], f"user {name}")
        evil.close()
    nobody = Client(broker.port, "anonymous", clean=True, expiry=0)
    expect(nobody.subscribe("home/#").codes == [0x87], "anonymous clients have no %u")


def acl(ctx, rules):
    path = os.path.join(ctx.folder, "acl")
    with open(path, "w", encoding="utf-8") as file:
        file.write(rules)
    return path


def test_acl(ctx):
    broker = ctx.broker(auth_acl_file=acl(
        ctx, "topic read open/#\nuser alice\ntopic write in/#\npattern readwrite own/%c/#\n")).start()
    reader = Client(broker.port, "reader", clean=True, expiry=0)
    expect(reader.subscribe("open/#").codes == [1], "an allowed subscription")
    expect(reader.subscribe("in/#").codes == [0x87], "one that could receive nothing")
    expect(reader.subscribe("own/reader/x").codes == [1], "a pattern with its own name")
    expect(reader.subscribe("own/alice/x").codes == [0x87], "a pattern with another name")
    expect(reader.subscribe("#", 0).codes == [0], "a filter that covers an allowed one")
    alice = Client(broker.port, "alice", clean=True, expiry=0, username="alice")
    alice.publish("in/x", "1", 1)
    expect(alice.receive(PUBACK).code in (0, 0x10), "an allowed topic")
    alice.publish("open/x", "1", 1)
    expect(alice.receive(PUBACK).code == 0x87, "a topic that is not allowed")
    alice.publish("own/alice/x", "1", 1)
    expect(alice.receive(PUBACK).code in (0, 0x10), "its own topic")
    expect(reader.drain() == [], "the reader got what it may not read")


def test_reload(ctx):
    path = acl(ctx, "topic read a\n")
    broker = ctx.broker(auth_acl_file=path).start()
    client = Client(broker.port, "c", clean=True, expiry=0)
    expect(client.subscribe("b").codes == [0x87], "not allowed yet")
    acl(ctx, "topic read b\n")
    broker.process.send_signal(signal.SIGHUP)
    wait_until(lambda: "event=reloaded" in broker.log(), "reloaded")
    expect(client.subscribe("b").codes == [1], "allowed now")
    acl(ctx, "topci read b\n")
    broker.process.send_signal(signal.SIGHUP)
    wait_until(lambda: "event=reload_failed" in broker.log(), "the error is logged")
    expect(broker.tells(f"{path}:1: "), "with file and line")
    expect(client.subscribe("b").codes == [1], "the rules before stay")


def test_listeners_with_doors_of_their_own(ctx):
    """Passwords and rules hold for the listener that they are named for."""
    broker = ctx.broker(listener_name="inside", listener_allow_anonymous=True)
    outside = free_port()
    broker.more_listeners = [{
        "name": "outside", "address": "127.0.0.1", "port": outside,
        "password_file": passwords(ctx, alice="secret"),
        "acl_file": acl(ctx, "user alice\ntopic read a\n"), "connections_max": 1}]
    broker.start()
    inside = Client(broker.port, "in", clean=True, expiry=0)
    expect(inside.connack.code == 0, "anonymous inside")
    expect(inside.subscribe("#").codes == [1], "everything inside")
    anonymous = Client(outside, "c", clean=True, expiry=0)
    expect(anonymous.connack.code == 0x87, "anonymous outside")
    anonymous.close()
    alice = wait_until(lambda: connected(outside, "alice", "secret"), "alice outside")
    expect(alice.subscribe("b").codes == [0x87], "the rules hold outside")
    expect(alice.subscribe("a").codes == [1], "what is allowed outside")
    try:
        second = Client(outside, "more", clean=True, expiry=0, username="alice", password="secret")
        raise AssertionError(f"one too many came in: {second.connack}")
    except OSError:
        pass
    expect(broker.tells("outside") and broker.tells("connections_max is reached"), "it is told")
    inside.publish("a", "1", 1)
    expect(alice.receive(PUBLISH).payload == b"1", "from one door to the other")


def connected(port, user, password):
    """A client, or None while the listener has no room for it."""
    try:
        return Client(port, user, clean=True, expiry=0, username=user, password=password)
    except OSError:
        return None


def test_a_shut_door_says_so(ctx):
    """Anonymous access is off where others than this host's could come in, unless it is said."""
    broker = ctx.broker(listener_address="0.0.0.0").start()
    expect(code(broker) == 0x87, "anonymous from anywhere")
    for part in ("event=listener_shut", "allow_anonymous = true", "mosquitto_passwd"):
        expect(broker.tells(part), f"'{part}' is not in: {broker.log_tail()}")
    opened = ctx.broker("b", listener_address="0.0.0.0", auth_allow_anonymous=True).start()
    expect(code(opened) == 0, "anonymous where it is said")
    expect("listener_shut" not in opened.log(), "a warning without need")


def test_revoked_rights_hold_for_what_waits(ctx):
    """What was queued or retained before a reader lost the right to it is not delivered."""
    path = acl(ctx, "topic readwrite #\n")
    broker = ctx.broker(auth_acl_file=path).start()
    reader = Client(broker.port, "reader")
    reader.subscribe("#")
    reader.disconnect()
    writer = Client(broker.port, "writer", clean=True, expiry=0)
    for topic in ("secret/1", "open/1", "secret/2", "open/2"):
        writer.publish(topic, topic, 1, retain=True)
        writer.receive(PUBACK)
    acl(ctx, "topic read open/#\ntopic write #\n")
    broker.process.send_signal(signal.SIGHUP)
    wait_until(lambda: "event=reloaded" in broker.log(), "reloaded")
    reader = Client(broker.port, "reader")
    got = [packet.topic for packet in reader.drain()]
    expect(got == ["open/1", "open/2"], f"queued: {got}")
    expect(reader.subscribe("#").codes == [1], "the subscription")
    got = sorted(packet.topic for packet in reader.drain())
    expect(got == ["open/1", "open/2"], f"retained: {got}")
    expect(broker.status()["queued"] <= 2, "what was revoked is still kept")


def costly_passwords(ctx, user, password, seconds):
    """A file whose check takes about so long on this machine, and how long it took here."""
    iterations = 100_000
    while True:
        begun = time.monotonic()
        digest_of(password, b"0123456789ab", iterations)
        took = time.monotonic() - begun
        if took > seconds or iterations >= 4_000_000:
            break
        iterations *= 2
    path = os.path.join(ctx.folder, "costly")
    write_passwords(path, {user: password}, iterations)
    return path, took


def ping(client):
    """Seconds until the answer."""
    begun = time.monotonic()
    client.send(packet(PINGREQ, 0, b""))
    client.receive(PINGRESP)
    return time.monotonic() - begun


@alone
def test_a_costly_password_holds_up_nobody(ctx):
    """The loop serves the others while a log-in is checked."""
    path, took = costly_passwords(ctx, "alice", "secret", 1)
    broker = ctx.broker(auth_allow_anonymous=True, auth_password_file=path).start()
    other = Client(broker.port, "other", clean=True, expiry=0)
    codes = []
    login = threading.Thread(target=lambda: codes.append(
        Client(broker.port, "c", username="alice", password="secret", timeout=60).connack.code))
    login.start()
    time.sleep(0.1)
    pings = []
    while login.is_alive():
        pings.append(ping(other))
        time.sleep(0.02)
    login.join()
    expect(codes == [0], f"the log-in itself: {codes}")
    expect(len(pings) > 3 and max(pings) < took / 2,
           f"a ping took {max(pings):.3f} s while a password took {took:.3f} s")


@alone
def test_who_gave_up_is_not_checked(ctx):
    """Twenty that connected and went cost the next one no more than the check that had begun."""
    path, took = costly_passwords(ctx, "alice", "secret", 0.4)
    broker = ctx.broker(auth_password_file=path).start()
    for n in range(20):
        Hasty(broker.port, f"gone{n}", username="alice", password="secret").close()
    begun = time.monotonic()
    client = Client(broker.port, "c", username="alice", password="secret", timeout=60)
    waited = time.monotonic() - begun
    expect(client.connack.code == 0, "the right password")
    expect(waited < 12 * took, f"{waited:.2f} s, and one check takes {took:.2f} s")
    expect(ping(client) < 1, "it is served")


class Hasty(Client):
    """Does not wait for an answer."""

    def receive(self, kind, seconds=0):
        return None


@alone
def test_a_crowd_of_log_ins_does_not_let_the_loop_sleep(ctx):
    """Neither for a lock that a thread holds which checks passwords, nor for the kernel's table of
    descriptors. A write to the journal may wait for the disk."""
    clock = TurnClock(ctx.folder)
    path = os.path.join(ctx.folder, "passwords")
    write_passwords(path, {"alice": "secret"}, 101)
    broker = ctx.broker(auth_password_file=path, log_level="warning").start(env=clock.env)
    clock.restart()
    crowd = [Hasty(broker.port, f"c{n}", username="alice", password="secret", clean=True, expiry=0)
             for n in range(600)]
    for one in crowd:
        expect(Client.receive(one, CONNACK).code == 0, "the right password")
    turns = clock.read()
    expect(turns.slept < turns.count / 20, f"{turns}")
