"""`tandemqctl acl check`: what a client may do by the files as they are, and which line decides."""
import os

from support.expect import expect, free_port
from support.passwords import write_passwords
from support.wire import PUBACK, Client
from test_accounts import Desk, anna_of_meters


class Rules:
    """A configuration with an ACL file; the broker need not run."""

    def __init__(self, ctx, **settings):
        self.acl = os.path.join(ctx.folder, "acl")
        passwords = os.path.join(ctx.folder, "passwords")
        self.write("topic read open/#\nuser bob\ntopic readwrite a/#\ntopic deny a/secret\n"
                   "pattern write dev/%c/#\n")
        write_passwords(passwords, {"bob": "bob"}, 101)
        self.broker = ctx.broker(auth_acl_file=self.acl, auth_password_file=passwords, **settings)
        self.desk = Desk(ctx, self.broker)
        self.broker.write_config()

    def write(self, rules):
        with open(self.acl, "w", encoding="utf-8") as file:
            file.write(rules)

    def ask(self, *arguments):
        found = self.desk.ctl("acl", "check", "--broker-config", self.broker.config_file, *arguments)
        return found.returncode, found.stdout.strip() or found.stderr.strip()


def test_the_line_that_decides(ctx):
    rules = Rules(ctx)
    bob = ("--user", "bob", "--client", "c1")
    for arguments, code, says in (
            ((*bob, "publish", "a/b"), 0, f"mqtt: allowed by {rules.acl}:3: topic readwrite a/#"),
            ((*bob, "subscribe", "a/#"), 0, f"mqtt: allowed by {rules.acl}:3: topic readwrite a/#"),
            ((*bob, "receive", "a/secret"), 1, f"mqtt: DENIED by {rules.acl}:4: topic deny a/secret"),
            ((*bob, "publish", "dev/c1/x"), 0, f"mqtt: allowed by {rules.acl}:5: pattern write dev/%c/#"),
            ((*bob, "publish", "dev/c2/x"), 1, "mqtt: DENIED, no rule allows it"),
            (("receive", "open/1"), 0, f"mqtt: allowed by {rules.acl}:1: topic read open/#")):
        expect(rules.ask(*arguments) == (code, says), f"{arguments}: {rules.ask(*arguments)}")
    answer = rules.desk.json("acl", "check", "--broker-config", rules.broker.config_file, *bob,
                             "publish", "a/b")
    expect(answer == {"ok": True, "allowed": True, "listeners": [
        {"listener": "mqtt", "allowed": True, "rule": "topic readwrite a/#", "source": f"{rules.acl}:3"}]},
        f"in JSON: {answer}")


def test_what_cannot_be_told(ctx):
    rules = Rules(ctx)
    for arguments, code, says in (
            (("publish", "a/#"), 1, "'a/#' is no topic name"), (("subscribe", "a/#/b"), 1, "no topic filter"),
            (("fly", "a"), 64, "action"), (("--listener", "x", "publish", "a"), 1, "no listener is called 'x'"),
            (("--broker-config", "/none", "publish", "a"), 64, "--broker-config")):
        found = rules.ask(*arguments)
        expect(found[0] == code and says in found[1], f"{arguments}: {found}")
    rules.write("topci a\n")
    found = rules.ask("publish", "a")
    expect(found[0] == 1 and f"{rules.acl}:1: " in found[1], f"{found}")


def test_it_says_what_the_broker_does(ctx):
    """Of a user that the pair keeps, of one of the file, and of a name that nobody has."""
    rules = Rules(ctx, auth_runtime_users=True)
    found = rules.ask("--user", "anna", "publish", "m/1")
    expect(found[0] == 3, f"nobody could know: {found}")
    rules.broker.start()
    anna_of_meters(rules.desk)
    for user, password in (("anna", "secret"), ("bob", "bob")):
        client = Client(rules.broker.port, "c1", username=user, password=password, clean=True, expiry=0)
        for topic in ("m/1", "own/anna/1", "a/b", "a/secret", "dev/c1/x", "open/1"):
            client.publish(topic, "1", 1)
            done = client.receive(PUBACK).code != 0x87
            found = rules.ask("--user", user, "--client", "c1", "publish", topic)
            expect(found[0] == (0 if done else 1), f"{user} and {topic}: {done}, but {found}")
        client.disconnect()
    found = rules.ask("--user", "anna", "publish", "own/anna/1")
    expect(found == (0, "mqtt: allowed by role meters: pattern write own/%u/#"), f"{found}")
    expect(rules.ask("--user", "eve", "publish", "m/1") == (1, "mqtt: DENIED, there is no such user"), "eve")
    rules.desk.done("user", "disable", "anna")
    expect(rules.ask("--user", "anna", "publish", "m/1") == (1, "mqtt: DENIED, the user is disabled"), "anna")


def test_each_listener_has_its_own_rules(ctx):
    rules = Rules(ctx, listener_name="inside")
    rules.broker.more_listeners = [{"name": "outside", "address": "127.0.0.1", "port": free_port(),
                                    "acl_file": "", "password_file": "", "allow_anonymous": True}]
    rules.broker.write_config()
    found = rules.ask("--user", "bob", "publish", "x")
    expect(found == (1, "inside: DENIED, no rule allows it\n"
                        "outside: allowed, no acl_file is named, so all is allowed"), f"{found}")
    expect(rules.ask("--listener", "outside", "publish", "x")[0] == 0, "at one of them")
