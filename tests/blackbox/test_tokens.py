"""JSON Web Tokens in the place of passwords: who is let in, what they may do, when they must go."""
import os
import signal
import time

from support.expect import expect, wait_until
from support.pair import Pair
from support.tokens import token, write_keys
from support.wire import DISCONNECT, PUBACK, PUBLISH, Client


def settings(ctx, *keys, **more):
    path = write_keys(os.path.join(ctx.folder, "keys.json"), *keys)
    return {"auth_jwt_jwks_file": path, "auth_jwt_rights_claim": "acl", "auth_jwt_leeway_s": 0,
            **more}


def come(broker, client_id="c", user=None, version=5, **claims):
    return Client(broker.port, client_id, version, username=user, password=token(**claims))


def expect_sent_away(client, reason):
    found = client.expect_closed()
    expect([(p.kind, p.code) for p in found] == [(DISCONNECT, reason)], f"{found}")


def test_a_token_is_user_and_rights(ctx):
    """And no more than the listener's own rules allow."""
    rules = os.path.join(ctx.folder, "acl")
    with open(rules, "w", encoding="utf-8") as file:
        file.write("user alice\ntopic readwrite a/#\n")
    broker = ctx.broker(**settings(ctx, "one", auth_acl_file=rules)).start()
    acl = {"sub": ["a/b", "c"], "pub": ["a/b"]}
    for client_id, version, user in (("c1", 5, None), ("c2", 5, "alice"), ("c3", 4, "alice")):
        client = come(broker, client_id, user, version, sub="alice", acl=acl)
        expect(client.connack.code == 0, f"{client.connack}")
        denied = 0x87 if version == 5 else 0x80
        expect([client.subscribe(topic).codes[0] for topic in ("a/b", "a/c", "c")]
               == [1, denied, denied], "what it may read")
        client.publish("a/b", "1", 1)
        expect(client.receive(PUBLISH).payload == b"1", "what it may write")
        client.disconnect()
    nothing = come(broker, "d", sub="alice")
    expect(nothing.subscribe("a/b").codes == [0x87], "a token without rights")


def test_a_token_that_is_not_good_is_refused_and_not_told(ctx):
    broker = ctx.broker(**settings(ctx, "one", auth_jwt_audience="mqtt")).start()
    ours = {"sub": "alice", "aud": "mqtt"}
    for n, (user, claims, why) in enumerate((
            (None, {**ours, "lasts_s": -5}, "the token has expired"),
            (None, {**ours, "key": "two"}, "names a key that is not in"),
            (None, {"sub": "alice", "aud": "other"}, "jwt_audience"),
            ("bob", ours, "another user's"))):
        client = come(broker, f"c{n}", user, **claims)
        expect(client.connack.code == 0x86, f"{why}: {client.connack}")
        expect(broker.tells(why), f"{why}: {broker.log_tail()}")
    expect(broker.tells("event=login_failed"), "as fail2ban reads it")
    expect(token(**ours)[:20] not in broker.log(), "a token is in the log")


def test_who_came_by_a_token_goes_with_it(ctx):
    """At its end, or when its key is gone; a file that is not good takes nothing away."""
    broker = ctx.broker(**settings(ctx, "one", "two")).start()
    short = come(broker, "short", sub="alice", key="two", lasts_s=3)
    one = come(broker, "one", sub="alice", key="one")
    two = come(broker, "two", sub="alice", key="two", acl=["topic write t"])

    def reload(event):
        seen = broker.log().count(event)
        broker.process.send_signal(signal.SIGHUP)
        wait_until(lambda: broker.log().count(event) > seen, event)
    path = broker.settings["auth.jwt_jwks_file"]
    with open(path, "w", encoding="utf-8") as file:
        file.write("{}")
    reload("event=reload_failed")
    expect(broker.tells("no JSON Web Key Set"), "what is wrong with it")
    expect(come(broker, "fresh", sub="alice").connack.code == 0, "the keys before")
    write_keys(path, "two")
    reload("event=reloaded")
    expect_sent_away(one, 0x87)
    two.publish("t", "1", 1)
    expect(two.receive(PUBACK).code in (0, 0x10), "whose key is there")
    expect(come(broker, "late", sub="alice", key="one").connack.code == 0x86, "a key that is gone")
    begun = time.monotonic()
    expect_sent_away(short, 0xA0)
    expect(time.monotonic() - begun < 10, "at its end")


def test_tokens_after_a_failover(ctx):
    """The same rights, also of what was queued while nobody was there to show a token."""
    pair = Pair(ctx, **settings(ctx, "one")).start()
    acl = {"sub": ["a"], "pub": ["a", "b"]}
    reader = come(pair.a, "reader", sub="alice", acl=acl)
    reader.subscribe("#")
    reader.disconnect()
    pair.take_over(pair.b, pair.a)
    writer = come(pair.b, "writer", sub="alice", acl=acl)
    for topic in ("b", "a"):
        writer.publish(topic, topic, 1)
        writer.receive(PUBACK)
    expect(come(pair.b, "reader", sub="alice", key="two").connack.code == 0x86, "another key")
    reader = come(pair.b, "reader", sub="alice", acl=acl)
    expect(reader.connack.session_present, "its session")
    expect(reader.receive(PUBLISH).topic == "a", "and no more than it may have")
    expect(reader.drain() == [], "and no more than it may have")
