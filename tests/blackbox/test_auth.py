"""Password file and ACL file, in mosquitto's formats, and reading them again on SIGHUP."""
import os
import signal
import subprocess

from broker import Skipped, expect, wait_until
from wire import PUBACK, Client


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
    expect(f"{path}:1: " in broker.log(), "with file and line")
    expect(client.subscribe("b").codes == [1], "the rules before stay")
