"""A session is its user's; who would not be let in any more does not stay; names that nobody proves."""
import os
import signal

from support.expect import expect, free_port, wait_until
from support.pair import Pair
from support.passwords import write_passwords
from support.pki import Pki
from support.wire import DISCONNECT, PINGREQ, PINGRESP, PUBACK, PUBLISH, Client, packet


def password_file(ctx, **users):
    path = os.path.join(ctx.folder, "passwords")
    write_passwords(path, users, 101)
    return path


def come(broker, client_id, user, version=5, **arguments):
    return Client(broker.port, client_id, version, username=user, password=user, **arguments)


def reload(broker):
    seen = broker.log().count("event=reloaded")
    broker.process.send_signal(signal.SIGHUP)
    wait_until(lambda: broker.log().count("event=reloaded") > seen, "reloaded")


def leave_a_queue(broker):
    """Of alice, under the client id `shared`: one message waits."""
    alice = come(broker, "shared", "alice")
    expect(alice.subscribe("private/alice").codes == [1], "subscribed")
    alice.disconnect()
    writer = come(broker, "writer", "bob", clean=True, expiry=0)
    writer.publish("private/alice", "for alice alone", 1)
    writer.receive(PUBACK)
    writer.disconnect()


def expect_alices(broker):
    """Nobody but alice gets it, whatever is tried."""
    for clean in (False, True):
        for version in (4, 5):
            bob = come(broker, "shared", "bob", version, clean=clean)
            expect(bob.connack.code == (0x85 if version == 5 else 2), f"bob: {bob.connack}")
            bob.close()
    expect(broker.tells("the session belongs to another user"), "it is told")
    alice = come(broker, "shared", "alice")
    expect(alice.connack.session_present, "alice has lost her session")
    expect(alice.receive(PUBLISH).payload == b"for alice alone", "alice's message")
    alice.close()


def test_a_session_is_its_users_also_after_a_restart(ctx):
    broker = ctx.broker(auth_password_file=password_file(ctx, alice="alice", bob="bob")).start()
    leave_a_queue(broker)
    expect_alices(broker)
    broker.kill()
    broker.start()
    expect_alices(broker)
    broker.checkpoint()
    broker.stop()
    broker.start()
    expect_alices(broker)
    alice = come(broker, "shared", "alice")
    bob = come(broker, "shared", "bob")
    expect(bob.connack.code == 0x85, "bob while alice is there")
    alice.send(packet(PINGREQ, 0, b""))
    expect(alice.receive(PUBLISH) and alice.receive(PINGRESP), "alice was sent away by bob")


def test_a_session_is_its_users_also_after_a_failover(ctx):
    pair = Pair(ctx, auth_password_file=password_file(ctx, alice="alice", bob="bob")).start()
    leave_a_queue(pair.a)
    expect_alices(pair.a)
    pair.take_over(pair.b, pair.a)
    expect_alices(pair.b)


def test_another_user_may_start_anew_where_it_is_said(ctx):
    broker = ctx.broker(auth_password_file=password_file(ctx, alice="alice", bob="bob"),
                        auth_session_of_another_user="clean").start()
    leave_a_queue(broker)
    bob = come(broker, "shared", "bob")
    expect(bob.connack.code == 0 and not bob.connack.session_present, f"{bob.connack}")
    expect(bob.drain() == [], "bob got alice's message")


def test_a_fleet_that_is_given_users_keeps_its_sessions(ctx):
    broker = ctx.broker().start()
    client = Client(broker.port, "device")
    client.subscribe("t")
    client.disconnect()
    broker.stop()
    broker.settings["auth.password_file"] = password_file(ctx, alice="alice")
    broker.start()
    expect(come(broker, "device", "alice").connack.session_present, "what it left as anonymous")


def test_a_name_that_nobody_proves_is_no_user(ctx):
    """Beside a listener with passwords one without takes everybody as anonymous."""
    rules = os.path.join(ctx.folder, "acl")
    with open(rules, "w", encoding="utf-8") as file:
        file.write("user alice\ntopic readwrite #\n")
    outside = free_port()
    broker = ctx.broker(listener_name="inside", listener_allow_anonymous=True, auth_acl_file=rules)
    broker.more_listeners = [{"name": "outside", "address": "127.0.0.1", "port": outside,
                              "password_file": password_file(ctx, alice="alice")}]
    broker.start()
    alice = Client(outside, "shared", username="alice", password="alice")
    alice.subscribe("t")
    alice.disconnect()
    liar = Client(broker.port, "shared", username="alice")
    expect(liar.connack.code == 0x85, f"the session by its user's name: {liar.connack}")
    liar = Client(broker.port, "liar", username="alice", clean=True, expiry=0)
    expect(liar.subscribe("t").codes == [0x87], "rights by a user's name")


def test_the_client_id_may_be_the_user(ctx):
    broker = ctx.broker(auth_password_file=password_file(ctx, alice="alice", bob="bob"),
                        auth_use_username_as_clientid=True).start()
    alice = come(broker, "x", "alice")
    alice.subscribe("t")
    alice.disconnect()
    expect(not come(broker, "alice", "bob").connack.session_present, "bob by alice's identifier")
    expect(come(broker, "y", "alice").connack.session_present, "alice by another identifier")


def test_who_is_removed_does_not_stay(ctx):
    """Nor who has another password now; the others do."""
    broker = ctx.broker(auth_password_file=password_file(
        ctx, alice="alice", bob="bob", carol="carol")).start()
    clients = {user: come(broker, user, user) for user in ("alice", "bob", "carol")}
    reload(broker)
    path = os.path.join(ctx.folder, "passwords")
    with open(path, encoding="utf-8") as file:
        carols = file.read().splitlines()[2]
    password_file(ctx, bob="other")
    with open(path, "a", encoding="utf-8") as file:
        file.write(carols + "\n")
    reload(broker)
    for user in ("alice", "bob"):
        found = clients[user].expect_closed()
        expect([(p.kind, p.code) for p in found] == [(DISCONNECT, 0x87)], f"{user}: {found}")
    clients["carol"].publish("t", "1", 1)
    expect(clients["carol"].receive(PUBACK), "carol was sent away")
    expect(broker.tells("event=client_revoked"), "it is told")


def test_a_revoked_certificate_does_not_stay(ctx):
    pki = Pki(ctx.folder + "/pki")
    pki.issue("server")
    own = {user: pki.issue(user) for user in ("alice", "bob")}
    broker = ctx.broker(listener_certfile=pki.path("server.pem"),
                        listener_keyfile=pki.path("server.key"), listener_cafile=pki.cafile,
                        listener_crlfile=pki.revoke("list.crl"),
                        listener_certificate_username="cn", listener_require_certificate=True).start()
    clients = {user: Client(broker.port, user, tls=pki.trust(own[user])) for user in own}
    pki.revoke("list.crl", own["alice"][0])
    reload(broker)
    found = clients["alice"].expect_closed()
    expect([(p.kind, p.code) for p in found] == [(DISCONNECT, 0x87)], f"{found}")
    clients["bob"].publish("t", "1", 1)
    expect(clients["bob"].receive(PUBACK), "bob was sent away")
