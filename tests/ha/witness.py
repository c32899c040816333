"""Sessions that live through a whole soak and notice what a load of a few seconds does not: a session,
subscription or retained message that goes away, a will that is published for a living client, or not
published for a dead one."""
import random
import struct
import time

from testbed import VIRTUAL_IP
from support import wire
from support.expect import expect
from support.load import Load, Session


TOPICS = 12
MORTAL_KEEP_ALIVE_S = 4


class Churner(Session):
    """Subscribes and unsubscribes all the time; knows which subscriptions were acknowledged."""

    def __init__(self, load, name):
        super().__init__(load, name, 5)
        self.on = {}
        self.pending = None  # (packet id, topic, whether it is subscribed to)
        self.next_id = 0
        self.paused = False
        self.got = []

    def operate(self):
        if self.pending is None:
            if self.paused or not self.greeted:
                return
            topic = f"churn/{self.name}/{self.load.random.randrange(TOPICS)}"
            self.next_id = self.next_id % 60000 + 1
            self.pending = (self.next_id, topic, not self.on.get(topic, False))
        number, topic, on = self.pending
        body = struct.pack("!H", number) + b"\0" + wire.text(topic) + (b"\1" if on else b"")
        self.send(wire.packet(wire.SUBSCRIBE if on else wire.UNSUBSCRIBE, 2, body))

    async def on_connected(self, _present):
        self.operate()

    async def on_packet(self, got):
        if got.kind in (wire.SUBACK, wire.UNSUBACK) and self.pending and got.id == self.pending[0]:
            self.on[self.pending[1]] = self.pending[2]
            self.pending = None
            self.load.loop.call_later(0.05, self.operate)
        elif got.kind == wire.PUBLISH:
            self.got.append((got.topic, bytes(got.payload)))
            self.ack(wire.PUBACK, got.id)

    def resume(self):
        self.paused = False
        self.load.loop.call_soon_threadsafe(self.operate)


class Obituaries(Session):
    """Counts the wills that are published."""

    def __init__(self, load):
        super().__init__(load, "obituaries", 5)
        self.wills = {}
        self.unreleased = set()

    async def on_connected(self, present):
        if not present:
            self.send(wire.packet(wire.SUBSCRIBE, 2, b"\0\1\0" + wire.text("will/#") + b"\2"))

    async def on_packet(self, got):
        if got.kind == wire.PUBLISH:
            if got.id not in self.unreleased:
                self.wills[got.topic] = self.wills.get(got.topic, 0) + 1
            self.unreleased.add(got.id)
            self.ack(wire.PUBREC, got.id)
        elif got.kind == wire.PUBREL:
            self.unreleased.discard(got.id)
            self.ack(wire.PUBCOMP, got.id)


class Wills:
    """A client that dies, and one that hears whose wills are published; through the virtual address from
    the machine itself."""

    def __init__(self, seed):
        self.load = Load([1883], random.Random(seed), host=VIRTUAL_IP, connect_s=0.3, silence_s=1.2,
                         will_topic="will/living/")
        self.obituaries = self.load.start(Obituaries(self.load))
        self.mortal = None
        self.dead = {}  # topic of the will: when its client was gone and the pair well
        self.rounds = 0

    def wait(self, condition, what, seconds):
        end = time.monotonic() + seconds
        while not condition():
            expect(time.monotonic() < end, f"witness: not within {seconds} s: {what}")
            time.sleep(0.02)

    def visitor(self, name, **options):
        """A volatile client. The address may still be on its way to the primary: it tries again."""
        found = []

        def connected():
            try:
                found.append(wire.Client(1883, name, host=VIRTUAL_IP, clean=True, expiry=0, timeout=2,
                                         **options))
            except (OSError, AssertionError):
                return False
            return True
        self.wait(connected, f"{name} is connected", 10)
        return found[0]

    def begin_round(self):
        self.rounds += 1
        self.mortal = self.visitor(f"mortal{self.rounds}", keep_alive=MORTAL_KEEP_ALIVE_S,
                                   will=(f"will/mortal/{self.rounds}", "x", 2, False))

    def lose_mortal(self):
        """Its connection breaks, whatever is at its other end."""
        self.mortal.close()

    def end_round(self):
        """The pair is well again: its will is due."""
        self.dead[f"will/mortal/{self.rounds}"] = time.monotonic()

    def finish(self):
        """The wills that are still due."""
        self.wait(lambda: all(topic in self.obituaries.wills for topic in self.dead),
                  "the wills of all dead clients", 25)

    def end(self):
        self.load.stop()


class Witness(Wills):
    """All of them together."""

    def __init__(self, seed):
        super().__init__(seed)
        load = self.load
        load.pause_s = 0.03
        load.backlog_max = 800
        self.churners = [load.start(Churner(load, f"churn{n}")) for n in range(3)]
        for version in (5, 4):
            load.subscriber(version)
        self.sleeper = load.subscriber(5)
        for topic_filter in ("$share/g/load/#", "$share/g/load/#"):
            load.subscriber(5, topic_filter)
        self.wait(lambda: all(s.subscribed for s in load.subscribers), "subscriptions", 10)
        for qos, version, retain in ((1, 5, True), (2, 5, True), (1, 4, False), (2, 4, True)):
            load.publisher(qos, version, window=8, size=50, retain=retain)

    def begin_round(self):
        super().begin_round()
        self.sleeper.go_away()
        self.load.pause(False)
        for churner in self.churners:
            churner.resume()

    def end_round(self):
        """The pair is well again: everything that was promised must come true."""
        super().end_round()
        self.load.pause(True)
        self.sleeper.away = False
        for churner in self.churners:
            churner.paused = True
        try:
            self.wait(self.load.quiet, "all that is acknowledged is delivered", 30)
        finally:
            found = self.load.check()
            expect(not found, "witness: " + "; ".join(found)[:600])
        self.check_retained()
        self.check_subscriptions()
        self.check_wills()

    def check_retained(self):
        reader = self.visitor("reader")
        reader.subscribe("load/#", 1)
        got = {p.topic: p.payload for p in reader.drain(silence=0.5) if p.retain}
        reader.disconnect()
        wrong = self.load.wrong_retained(got)
        expect(not wrong, "witness: " + "; ".join(wrong))

    def check_subscriptions(self):
        self.wait(lambda: not any(c.pending for c in self.churners), "subscriptions are settled", 10)
        writer, token = self.visitor("writer"), f"round {self.rounds}".encode()
        for churner in self.churners:
            churner.got.clear()
            for n in range(TOPICS):
                writer.publish(f"churn/{churner.name}/{n}", token, 1)
        writer.drain(silence=0.5)
        writer.disconnect()
        time.sleep(0.3)
        for churner in self.churners:
            subscribed = sorted(topic for topic, on in churner.on.items() if on)
            got = sorted(topic for topic, payload in churner.got if payload == token)
            expect(got == subscribed, f"witness: {churner.name} is subscribed to {subscribed} and got "
                   f"{got}")

    def check_wills(self, patience_s=25):
        wills = self.obituaries.wills
        living = [topic for topic in wills if topic.startswith("will/living/")]
        expect(not living, f"witness: wills of living clients: {living}")
        twice = [topic for topic, times in wills.items() if times > 1]
        expect(not twice, f"witness: wills published twice: {twice}")
        late = [topic for topic, since in self.dead.items()
                if topic not in wills and time.monotonic() > since + patience_s]
        expect(not late, f"witness: the wills {late} of dead clients were not published in "
               f"{patience_s} s")
