"""Log-ins by SCRAM-SHA-256 in AUTH packets of MQTT 5.0, and proving it anew while connected."""
import os
import signal
import subprocess

from support.expect import expect
from support.pair import Pair
from support.scram import AGAIN, Proof, Prover, write_users
from support.wire import (AUTH, CONNACK, DISCONNECT, PINGREQ, PINGRESP, PUBACK, PUBLISH, Client, Raw,
                          packet, text)


def users(ctx, **passwords):
    return write_users(os.path.join(ctx.folder, "passwords"), **passwords)


def ctl(ctx, *arguments, password="", code=0):
    found = subprocess.run([os.path.join(ctx.prefix, "tandemqctl"), *arguments], check=False,
                           input=password, capture_output=True, text=True, timeout=60)
    expect(found.returncode == code, f"{arguments}: {found.returncode} {found.stdout} {found.stderr}")
    return found.stderr


def code(broker, user, password):
    return Prover(broker.port).come("c", user, password).code


def refused(client, reason):
    """It gets CONNACK with this code, and is closed."""
    found = client.expect_closed()
    expect([(p.kind, p.code) for p in found] == [(CONNACK, reason)], f"{found}, wanted {reason:#x}")


def sent_away(client, reason):
    found = client.expect_closed()
    expect([(p.kind, p.code) for p in found] == [(DISCONNECT, reason)], f"{found}, wanted {reason:#x}")


def test_log_in(ctx):
    """[5:4.12.0-1 5:4.12.0-2 5:4.12.0-4 5:4.12.0-5 5:4.12.0-6 5:3.15.2-1 5:3.2.0-1]"""
    path = users(ctx, anna="secret", bob="other")
    with open(path, "a", encoding="utf-8") as file:  # of the other kind, password secret
        file.write("old:$7$101$C9QaBCMqZB+d830O$CjRHekS5LFNjeE6HDyIYfHU+4d8uNc/c+1GK8Nuyi/J8YUmgN+"
                   "xDetbig2Lr/rmdk5XbG9LTd9+fQG/2/qU5dw==\n")
    acl = os.path.join(ctx.folder, "acl")
    with open(acl, "w", encoding="utf-8") as file:
        file.write("user anna\ntopic readwrite anna/#\n")
    broker = ctx.broker(auth_password_file=path, auth_acl_file=acl).start()
    anna = Prover(broker.port)
    expect(anna.come("c", "anna", "secret").code == 0, f"{anna.connack}")
    expect(anna.subscribe("anna/#").codes == [1], "the rights of anna")
    for topic, reason in (("anna/x", 0), ("bob/x", 0x87)):
        anna.publish(topic, "1", 1)
        expect([p.code for p in (anna.next_packet(5), anna.next_packet(0.2)) if p and p.kind == PUBACK]
               == [reason], topic)
    expect(code(broker, "anna", "Secret") == 0x86, "a wrong password")
    expect(code(broker, "eve", "secret") == 0x86, "an unknown user")
    expect(code(broker, "old", "secret") == 0x86, "an entry of another kind")
    for user in ("anna", "old"):
        expect(Client(broker.port, user, clean=True, expiry=0, username=user, password="secret")
               .connack.code == 0, f"the password of {user} in clear")
    other = Prover(broker.port)
    other.connect("c", "SCRAM-SHA-1", b"n,,n=anna,r=x")
    refused(other, 0x8c)
    taken = Prover(broker.port)  # anna's session, by a user that it is not
    expect(taken.come("c", "bob", "other").code == 0x85, f"{taken.connack}")
    log = broker.log()
    for reason in ("the password is another one", "there is no such user", "tandemqctl passwd --scram"):
        lines = [line for line in log.splitlines() if reason in line]
        expect(lines and all("event=login_failed address=" in line for line in lines), reason)
    expect("secret" not in log, "a password is in the log")


def test_no_method_where_no_passwords_are_kept(ctx):
    broker = ctx.broker().start()
    one = Prover(broker.port)
    one.connect("c", data=Proof("anna", "secret").first)
    refused(one, 0x8c)
    expect(broker.tells("not offered by this listener"), "the reason")


def test_wrong_at_any_point(ctx):
    """[5:3.1.2-30 5:4.12.0-4 5:3.14.0-1 5:3.1.4-6]"""
    broker = ctx.broker(auth_password_file=users(ctx, anna="secret"),
                        auth_slow_failed_logins=False).start()
    for name, first, reason in (
            ("no data", None, 0x87), ("no SCRAM", "hello", 0x87),
            ("channel binding", "p=tls-unique,,n=anna,r=x", 0x87),
            ("as another one", "n,a=root,n=anna,r=x", 0x87),
            ("an extension", "n,,m=x,n=anna,r=x", 0x87),
            ("beyond ASCII", "n,,n=änna,r=x", 0x87)):
        one = Prover(broker.port)
        one.connect("c", data=first)
        one.send(packet(PINGREQ, 0, b""))
        found = one.expect_closed()
        expect([(p.kind, p.code) for p in found] == [(CONNACK, reason)], f"{name}: {found}")
    for name, answer, reason in (
            ("another nonce", lambda one, p, c: one.auth(p.last(c, nonce=p.nonce + "x")), 0x86),
            ("a proof that is cut", lambda one, p, c: one.auth(p.last(c)[:-4]), 0x86),
            ("another method", lambda one, p, c: one.auth(p.last(c), method="X"), 0x8c),
            ("no method", lambda one, p, c: one.auth(p.last(c), method=None), 0x82),
            ("nothing", lambda one, p, c: one.send(packet(AUTH, 0, b"")), 0x82),
            ("anew", lambda one, p, c: one.auth(p.last(c), AGAIN), 0x82),
            ("the server's code", lambda one, p, c: one.auth(p.last(c), 0), 0x82),
            ("flags", lambda one, p, c: one.send(packet(AUTH, 1, b"")), 0x81),
            ("PINGREQ", lambda one, p, c: one.send(packet(PINGREQ, 0, b"")), 0x82),
            ("PUBLISH", lambda one, p, c: one.publish("t", "x"), 0x82)):
        one, proof = Prover(broker.port), Proof("anna", "secret")
        one.connect("c", data=proof.first)
        answer(one, proof, one.challenged())
        found = one.expect_closed()
        expect([(p.kind, p.code) for p in found] == [(CONNACK, reason)], f"{name}: {found}")
    expect(broker.status()["sessions"] == 0, "sessions are left")


def test_a_proof_is_good_once(ctx):
    broker = ctx.broker(auth_password_file=users(ctx, anna="secret")).start()
    proof = Proof("anna", "secret", "y,,")
    one = Prover(broker.port)
    one.connect("c", data=proof.first)
    last = proof.last(one.challenged())
    one.auth(last)
    expect(one.receive(CONNACK).code == 0, "who could bind the channel, and may not")
    again = Prover(broker.port)
    again.connect("d", data=proof.first)
    again.challenged()
    again.auth(last)
    refused(again, 0x86)


def salt(broker, user):
    """What it is challenged with: salt and iterations."""
    one = Prover(broker.port)
    one.connect("c", data=Proof(user, "x").first)
    found = one.challenged()
    one.close()
    return found.split(",", 1)[1]


def test_nobody_can_ask_who_exists(ctx):
    """A salt that is made up is as long, and stays; by the pair's secret it is that of both nodes."""
    secret = os.path.join(ctx.folder, "secret")
    with open(secret, "w", encoding="utf-8") as file:
        file.write("as long as a secret has to be\n")
    settings = {"auth_password_file": users(ctx, anna="secret")}
    plain = ctx.broker("plain", **settings).start()
    nodes = [ctx.broker(name, tls_ticket_secret_file=secret, **settings).start() for name in "ab"]
    for broker in (plain, *nodes):
        known, unknown = salt(broker, "anna"), salt(broker, "eve")
        expect(len(known) == len(unknown) and unknown == salt(broker, "eve"), f"{known} {unknown}")
        expect(unknown != salt(broker, "bob"), "one salt for all")
    expect(salt(nodes[0], "eve") == salt(nodes[1], "eve") != salt(plain, "eve"), "of both nodes")
    broken = ctx.broker("broken", tls_ticket_secret_file=secret + "s", **settings).launch()
    expect(broken.exit_code() == 2, "a start without the secret")
    expect("tls.ticket_secret_file" in broken.log(), broken.log_tail())


def test_anew(ctx):
    """[5:4.12.1-1 5:4.12.1-2 5:3.15.2-1 5:u3.15-1 5:u3.15.2.1-1]"""
    broker = ctx.broker(auth_password_file=users(ctx, anna="secret", bob="other")).start()

    def connected():
        one = Prover(broker.port)
        expect(one.come("c", "anna", "secret", will=("will", "gone")).code == 0, f"{one.connack}")
        return one

    def challenge(one, proof):
        one.auth(proof.first, AGAIN)
        return one.challenged()
    anna, proof = connected(), Proof("anna", "secret")
    asked = challenge(anna, proof)
    anna.send(packet(PINGREQ, 0, b""))
    anna.receive(PINGRESP)
    anna.auth(proof.last(asked))
    expect(anna.challenged(0) == proof.expected, "what the server proves")
    expect(anna.subscribe("t").codes == [1], "it is served on")
    watch = Prover(broker.port)
    watch.come("watch", "bob", "other")
    watch.subscribe("will")
    wrong = Proof("anna", "guess")
    anna.auth(wrong.last(challenge(anna, wrong)))
    sent_away(anna, 0x87)
    expect(watch.receive(PUBLISH).payload == b"gone", "its will")
    for name, say, reason in (
            ("another user", lambda one: one.auth(Proof("bob", "other").first, AGAIN), 0x87),
            ("another method", lambda one: one.auth(proof.first, AGAIN, "X"), 0x8c),
            ("no method", lambda one: one.send(packet(AUTH, 0, b"\x19\0")), 0x82),
            ("not begun", lambda one: one.auth("x"), 0x82),
            ("begun twice", lambda one: (challenge(one, proof), one.auth(proof.first, AGAIN)), 0x82)):
        one = connected()
        say(one)
        found = one.expect_closed()
        expect([(p.kind, p.code) for p in found] == [(DISCONNECT, reason)], f"{name}: {found}")
    plain = Client(broker.port, "plain", clean=True, username="anna", password="secret")
    plain.send(packet(AUTH, 0, bytes([AGAIN]) + b"\x0c\x15" + text("SCRAM-256")))
    sent_away(plain, 0x82)
    expect(broker.tells("event=login_failed"), "the failure that fail2ban reads")


def test_who_is_removed_or_has_another_password(ctx):
    path = users(ctx, anna="secret", bob="other")
    broker = ctx.broker(auth_password_file=path).start()
    anna, bob, late = Prover(broker.port), Prover(broker.port), Prover(broker.port)
    anna.come("anna", "anna", "secret")
    bob.come("bob", "bob", "other")
    proof = Proof("anna", "secret")
    late.connect("late", data=proof.first)
    asked = late.challenged()
    ctl(ctx, "passwd", "--scram", path, "anna", password="another\n")
    broker.process.send_signal(signal.SIGHUP)
    sent_away(anna, 0x87)
    late.auth(proof.last(asked))
    refused(late, 0x86)
    expect(code(broker, "anna", "another") == 0, "the new password")
    expect(bob.subscribe("t").codes == [1], "bob, whose line is as it was")


def test_passwd_and_its_refusals(ctx):
    path = os.path.join(ctx.folder, "made")
    ctl(ctx, "passwd", "--scram", "--iterations", "5000", path, "anna", password="secret\n")
    with open(path, encoding="utf-8") as file:
        expect(file.read().startswith("anna:SCRAM-SHA-256$5000:"), "its line")
    for arguments, password, says in (
            (["--iterations", "4095"], "secret\n", "4096"), ([], "sécret\n", "printable ASCII")):
        expect(says in ctl(ctx, "passwd", "--scram", *arguments, path, "bob", password=password,
                           code=1), f"{says}")
    expect("printable ASCII" in ctl(ctx, "passwd", "--scram", path, "jürgen", password="x\n", code=1),
           "a name beyond ASCII")
    broker = ctx.broker(auth_password_file=path).start()
    expect(code(broker, "anna", "secret") == 0, "what passwd wrote")


def test_users_at_run_time_and_after_a_failover(ctx):
    pair = Pair(ctx, auth_runtime_users=True)
    pair.start()
    socket = ["--broker-socket", pair.a.socket_file]
    ctl(ctx, *socket, "user", "add", "--scram", "anna", password="secret\n")
    anna = Prover(pair.a.port)
    expect(anna.come("c", "anna", "secret", expiry=600).code == 0, f"{anna.connack}")
    ctl(ctx, *socket, "user", "password", "--scram", "anna", password="another\n")
    sent_away(anna, 0x87)
    expect(code(pair.a, "anna", "secret") == 0x86, "the password before")
    expect("SCRAM-SHA-256$" not in pair.a.log(), "an entry is in the log")
    half, proof = Prover(pair.a.port), Proof("anna", "another")
    half.connect("half", data=proof.first)
    half.challenged()
    pair.take_over(pair.b, pair.a)
    back = Prover(pair.b.port)
    expect(back.come("c", "anna", "another", expiry=600, clean=False).code == 0, f"{back.connack}")
    expect(back.connack.session_present, "its session")
    last = Prover(pair.b.port)
    last.connect("half", data=proof.first)
    last.auth(proof.last(last.challenged()))
    expect(last.receive(CONNACK).code == 0, "an exchange from its beginning")


def test_3_1_1_knows_no_auth(ctx):
    broker = ctx.broker(auth_password_file=users(ctx, anna="secret")).start()
    expect(Client(broker.port, "c", 4, clean=True, username="anna", password="secret").connack.code == 0,
           "its password in clear")
    for client in (Client(broker.port, "c", 4, clean=True, username="anna", password="secret"),
                   Raw(broker.port, 4)):
        client.send(packet(AUTH, 0, b"\x19\0"))
        expect(client.expect_closed() == [], "AUTH of 3.1.1")
