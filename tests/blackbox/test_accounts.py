"""Users and roles that are changed while the broker serves: `tandemqctl user` and `tandemqctl role`."""
import json
import os
import pty
import select
import shutil
import subprocess
import termios

from support.expect import expect, free_port, wait_until
from support.pair import Pair
from support.passwords import write_passwords
from support.pki import Pki
from support.wire import DISCONNECT, PUBACK, PUBLISH, Client


class Desk:
    """tandemqctl at a broker, which gets passwords on its standard input."""

    def __init__(self, ctx, broker):
        self.command = [os.path.join(ctx.prefix, "tandemqctl"), "--broker-socket", broker.socket_file]

    def ctl(self, *arguments, password=""):
        return subprocess.run([*self.command, *arguments], check=False, input=password,
                              capture_output=True, text=True, timeout=60)

    def done(self, *arguments, password=""):
        found = self.ctl(*arguments, password=password)
        expect(found.returncode == 0, f"{arguments}: {found.returncode} {found.stdout} {found.stderr}")
        return found.stdout

    def refused(self, *arguments, says, code=1, password="x\n"):
        found = self.ctl(*arguments, password=password)
        expect(found.returncode == code, f"{arguments}: {found.returncode} {found.stdout} {found.stderr}")
        for part in [says] if isinstance(says, str) else says:
            expect(part in found.stderr, f"{arguments}: '{part}' is not in {found.stderr}")

    def json(self, *arguments):
        return json.loads(self.done("--json", *arguments))


def come(broker, user="anna", password="secret", **more):
    more = {"clean": True, "expiry": 0, **more}
    return Client(broker.port, more.pop("client_id", user), username=user, password=password, **more)


def code(broker, *who):
    client = come(broker, *who)
    client.close()
    return client.connack.code


def expect_sent_away(client):
    found = client.expect_closed()
    expect([(p.kind, p.code) for p in found] == [(DISCONNECT, 0x87)], f"{found}")


def anna_of_meters(desk):
    desk.done("role", "add", "meters", "topic readwrite m/#", "pattern write own/%u/#")
    desk.done("user", "add", "anna", "meters", password="secret\n")


def answer_to(client, topic):
    client.publish(topic, "1", 1)
    return client.receive(PUBACK).code


def test_a_user_comes_and_goes(ctx):
    broker = ctx.broker(auth_runtime_users=True).start()
    desk = Desk(ctx, broker)
    expect(code(broker) == 0x86, "nobody is known yet")
    expect(Client(broker.port, "nobody", clean=True, expiry=0).connack.code == 0x87, "anonymous")
    anna_of_meters(desk)
    desk.done("user", "add", "bob", password="bobs\n")
    anna, bob = come(broker), come(broker, "bob", "bobs")
    expect(code(broker, "anna", "other") == 0x86, "a wrong password")
    for change, *more in (("disable",), ("password", "another-one\n"), ("remove",)):
        desk.done("user", change, "anna", password=more[0] if more else "")
        expect_sent_away(anna)
        if change == "disable":
            expect(code(broker) == 0x86, "a user that is disabled")
            desk.done("user", "enable", "anna")
            anna = come(broker)
        elif more:
            expect(code(broker) == 0x86, "the password before")
            anna = come(broker, "anna", "another-one")
        else:
            expect(code(broker, "anna", "another-one") == 0x86, "a user that is gone")
            continue
        expect(anna.connack.code == 0, f"after {change}: {anna.connack}")
    bob.publish("t", "1", 1)
    expect(bob.receive(PUBACK).code == 0x87, "bob, who has no role, was sent away or let do something")
    expect(broker.tells("event=client_revoked") and broker.tells("event=account_changed"), "it is told")
    for secret in ("secret", "another-one", "bobs", "$7$"):
        expect(secret not in broker.log(), f"{secret} is in the log")


def test_lists_for_people_and_in_json(ctx):
    desk = Desk(ctx, ctx.broker(auth_runtime_users=True).start())
    expect(desk.json("user", "list") == {"ok": True, "users": []}, "there are some")
    anna_of_meters(desk)
    desk.done("user", "add", "--no-password", "sensor")
    desk.done("user", "disable", "sensor")
    text = desk.done("user", "list")
    expect("anna" in text and "DISABLED, no password" in text, text)
    expect(desk.json("user", "show", "anna")["user"] == {
        "name": "anna", "enabled": True, "has_password": True, "roles": ["meters"]}, "anna in JSON")
    expect(desk.json("role", "show", "meters")["role"]["rules"] == [
        "topic readwrite m/#", "pattern write own/%u/#"], "its rules in JSON")
    expect("pattern write own/%u/#" in desk.done("role", "show", "meters"), "its rules")
    expect(desk.json("role", "list")["roles"] == [{"name": "meters", "rules": 2}], "roles in JSON")
    found = desk.ctl("--json", "user", "show", "eve")
    expect(found.returncode == 1 and "there is no user 'eve'" in json.loads(found.stdout)["error"],
           f"{found}")


def test_rights_hold_at_once_and_at_delivery(ctx):
    broker = ctx.broker(auth_runtime_users=True).start()
    desk = Desk(ctx, broker)
    anna_of_meters(desk)
    desk.done("role", "add", "all", "topic readwrite #")
    desk.done("user", "add", "boss", "all", password="boss\n")
    boss = come(broker, "boss", "boss")
    anna = come(broker, clean=False, expiry=1000)
    expect(anna.subscribe("m/#").codes == [1], "its own topics")
    expect(anna.subscribe("x").codes == [0x87], "others")
    expect([answer_to(anna, topic) for topic in ("own/anna/1", "own/boss/1", "x")]
           == [0x10, 0x87, 0x87], "what it may publish")
    anna.disconnect()
    answer_to(boss, "m/queued")
    desk.done("role", "revoke", "meters", "topic", "readwrite", "m/#")
    anna = come(broker, clean=False, expiry=1000)
    expect(anna.connack.session_present and anna.drain() == [], "what it may not read any more")
    answer_to(boss, "m/1")
    expect(anna.drain() == [], "the same, while it is there")
    desk.done("role", "grant", "meters", "topic read m/#")
    answer_to(boss, "m/2")
    expect(anna.receive(PUBLISH).topic == "m/2", "what it may read again")
    desk.done("user", "revoke", "anna", "meters")
    answer_to(boss, "m/3")
    expect(anna.drain() == [], "without its role")


def test_a_pair_has_the_same_users(ctx):
    """After failover, restart and snapshot; and who was removed does not come back with a node."""
    pair = Pair(ctx, auth_runtime_users=True, journal_segment_bytes=1 << 16).start()
    desks = {name: Desk(ctx, node) for name, node in pair.nodes.items()}
    anna_of_meters(desks["a"])
    desks["a"].done("user", "add", "bob", password="bobs\n")
    come(pair.a).disconnect()
    desks["b"].refused("user", "remove", "anna", says=("this node is standby", "that is a, ask there"))
    expect([one["name"] for one in desks["b"].json("user", "list")["users"]] == ["anna", "bob"],
           "those that the standby has")
    pair.expect_same_state()
    pair.take_over(pair.b, pair.a)
    anna = come(pair.b)
    expect(answer_to(anna, "own/anna/1") == 0x10, "anna after a failover")
    desks["b"].done("user", "remove", "bob")
    pair.a.start(listening=False)
    pair.wait_paired()
    pair.expect_same_state()
    while pair.b.status()["journal_first_lsn"] == 1:
        for number in range(20):
            anna.publish(f"m/{number}", "x" * 4000, 1, retain=True)
            anna.receive(PUBACK)
        pair.b.checkpoint()
    pair.a.stop()
    pair.solo(pair.b)
    shutil.rmtree(pair.a.data)
    pair.a.start(listening=False)
    pair.wait_paired()
    expect(pair.a.tells("event=snapshot_installed"), "a was not filled by snapshot")
    pair.take_over(pair.a, pair.b)
    expect(answer_to(come(pair.a), "own/anna/1") == 0x10, "anna after a snapshot")
    expect(code(pair.a, "bob", "bobs") == 0x86, "bob, who was removed")
    expect(pair.a.status()["users"] == 1 and pair.a.status()["roles"] == 1, f"{pair.a.status()}")


def test_an_order_is_done_when_both_have_it(ctx):
    pair = Pair(ctx, relay=True, auth_runtime_users=True).start()
    desk = Desk(ctx, pair.a)
    pair.relay.mode = "stall"
    desk.refused("--timeout", "300", "role", "add", "meters", code=3, says="no answer")
    pair.relay.mode = "pass"
    wait_until(lambda: pair.b.status()["roles"] == 1, "both have it")


def test_users_survive_a_restart(ctx):
    broker = ctx.broker(auth_runtime_users=True).start()
    desk = Desk(ctx, broker)
    anna_of_meters(desk)
    for end in (broker.kill, broker.stop):
        end()
        broker.start()
        expect(answer_to(come(broker), "own/anna/1") == 0x10, "anna after a restart")
        broker.checkpoint()
    desk.done("user", "remove", "anna")
    broker.kill()
    broker.start()
    expect(code(broker) == 0x86, "who was removed")


def test_what_cannot_be_is_told(ctx):
    path = os.path.join(ctx.folder, "passwords")
    write_passwords(path, {"filed": "filed"}, 101)
    broker = ctx.broker(auth_runtime_users=True, auth_password_file=path).start()
    desk = Desk(ctx, broker)
    desk.done("role", "add", "r")
    for arguments, says in (
            (("user", "add", "filed"), ("is in ", "passwords, which goes first", "another name")),
            (("user", "add", ""), "the user's name is empty"),
            (("user", "add", "a\nb"), "control characters"),
            (("user", "add", "x" * 256), "longer than 255 bytes"),
            (("user", "add", "u", "none"), "there is no role 'none'; add it first"),
            (("user", "password", "eve"), "there is no user 'eve'"),
            (("user", "add", "--password-file", "/none", "u"), "--password-file /none cannot be read"),
            (("role", "add", "r"), "role 'r' is there already"),
            (("role", "grant", "r", "topic read a/#/b"), ("`topic read a/#/b`", "no topic filter")),
            (("role", "grant", "r", "user anna"), "write `topic [read|write|readwrite|deny] FILTER`"),
            (("role", "revoke", "r", "topic read a"), "does not have 'topic read a'")):
        desk.refused(*arguments, says=says)
    desk.refused("user", "add", "u", password="", says="the password is empty")
    desk.refused("user", "add", "u", password="x" * 70_000, says="the password is too long")
    for wrong in (("user",), ("user", "fly"), ("user", "grant", "u"), ("role", "password", "r"),
                  ("user", "add", "u", "--iterations", "0")):
        desk.refused(*wrong, code=64, says="")
    expect(desk.json("user", "list")["users"] == [] and desk.json("role", "list")["roles"] == [
        {"name": "r", "rules": 0}], "something was written")
    expect(come(broker, "filed", "filed").connack.code == 0, "the user of the file")
    desk.done("user", "add", "u", "r", password="u\n")
    desk.refused("role", "remove", "r", says="held by user 'u'; revoke it there first")


def test_listeners_let_them_in_that_say_so(ctx):
    outside = free_port()
    broker = ctx.broker(listener_name="inside", listener_runtime_users=True)
    broker.more_listeners = [{"name": "outside", "address": "127.0.0.1", "port": outside,
                              "allow_anonymous": False}]
    broker.start()
    anna_of_meters(Desk(ctx, broker))
    expect(come(broker).connack.code == 0, "where they are let in")
    elsewhere = Client(outside, "c", username="anna", password="secret", clean=True, expiry=0)
    expect(elsewhere.connack.code == 0x87, f"where they are not: {elsewhere.connack}")


def test_a_certificate_may_be_the_users_proof(ctx):
    pki = Pki(ctx.folder + "/pki")
    pki.issue("server")
    own = {user: pki.issue(user) for user in ("anna", "bob")}
    rules = os.path.join(ctx.folder, "acl")
    with open(rules, "w", encoding="utf-8") as file:
        file.write("user bob\ntopic write filed\n")
    broker = ctx.broker(listener_certfile=pki.path("server.pem"), auth_acl_file=rules,
                        listener_keyfile=pki.path("server.key"), listener_cafile=pki.cafile,
                        listener_certificate_username="cn", listener_require_certificate=True,
                        auth_runtime_users=True).start()
    desk = Desk(ctx, broker)
    desk.done("role", "add", "meters", "topic write m")
    desk.done("user", "add", "--no-password", "anna", "meters")
    clients = {user: Client(broker.port, user, tls=pki.trust(own[user])) for user in own}
    found = {user: [answer_to(one, topic) for topic in ("m", "filed")] for user, one in clients.items()}
    expect(found == {"anna": [0x10, 0x87], "bob": [0x87, 0x10]}, f"what each may do: {found}")
    desk.done("user", "disable", "anna")
    expect_sent_away(clients["anna"])
    expect(Client(broker.port, "anna", tls=pki.trust(own["anna"])).connack.code == 0x87, "disabled")
    expect(answer_to(clients["bob"], "filed") == 0x10, "bob was sent away")


def test_a_password_is_asked_for_and_not_shown(ctx):
    broker = ctx.broker(auth_runtime_users=True).start()
    desk = Desk(ctx, broker)
    for again, done in (("other", False), ("secret", True)):
        child, terminal = pty.fork()
        if child == 0:
            os.execv(desk.command[0], [*desk.command, "user", "add", "anna"])
        shown = ""
        for typed in ("secret", again):
            shown += read_until(terminal, ":")
            wait_until(lambda tty=terminal: not termios.tcgetattr(tty)[3] & termios.ECHO, "echo is off", 5)
            os.write(terminal, typed.encode() + b"\n")
        shown += read_until(terminal, None)
        ended = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        os.close(terminal)
        expect((ended == 0) == done, f"exit code {ended}: {shown}")
        expect("secret" not in shown and again not in shown, f"shown: {shown}")
    expect(code(broker) == 0, "the password that was typed")


def read_until(terminal, end):
    """What the program shows up to that text; of None, until it has ended."""
    shown = ""
    while end is None or not shown.rstrip().endswith(end):
        ready, _, _ = select.select([terminal], [], [], 10)
        expect(ready, f"it waits after: {shown}")
        try:
            shown += os.read(terminal, 1000).decode()
        except OSError:  # as Linux says that the other end is closed
            return shown
    return shown
