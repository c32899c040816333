"""Clients that keep count while a pair is tormented: publishers whose every message is numbered,
subscribers that note what they get. They reconnect for ever, to whichever node lets them in, as a
real client does: durable session, what is unacknowledged is sent again in order."""
import asyncio
import struct
import threading
import time

from support import wire
from support.wire import PUBACK, PUBCOMP, PUBLISH, PUBREC, PUBREL, packet, text

HEAD = struct.Struct("!II")  # publisher, number


class Session:
    """A durable session on one connection after another; subclasses say what is done on it."""

    def __init__(self, load, name, version):
        self.load, self.name, self.version = load, name, version
        self.known = False  # the broker has confirmed the session once
        self.reader = self.writer = None
        self.connects = 0
        self.greeted = False  # on the present connection
        self.heard = 0.0
        self.away = False     # stays disconnected
        self.stopping = False
        self.abandon = False  # the next connection takes over, this one is not closed

    def kick(self, abandon):
        def end():
            if self.reader and self.greeted:
                self.abandon = abandon
                self.reader.set_exception(ConnectionError("kicked"))
        self.load.loop.call_soon_threadsafe(end)

    def go_away(self):
        self.away = True
        self.kick(False)

    def look_at(self, now):
        """Asks for a sign of life; gives the connection up when there is none."""
        if not self.greeted:
            return
        if now > self.heard + self.load.silence_s:
            self.reader.set_exception(ConnectionError("silent"))
        else:
            self.send(packet(wire.PINGREQ, 0, b""))

    async def run(self):
        while not self.stopping:
            for port in self.load.ports if not self.away else ():
                try:
                    await self.connection(port)
                except (OSError, asyncio.IncompleteReadError, asyncio.TimeoutError):
                    pass
                finally:
                    self.greeted = False
                    if self.writer:
                        if self.abandon:
                            self.load.abandoned.append(self.writer)
                        else:
                            self.writer.close()
                        self.abandon = False
                        self.reader = self.writer = None
                if self.stopping:
                    return
            await asyncio.sleep(0.02)

    async def connection(self, port):
        load = self.load
        self.reader, self.writer = await asyncio.wait_for(
            asyncio.open_connection(load.host, port, limit=1 << 22), load.connect_s)
        will = load.will_topic if self.version == 5 else None
        body = text("MQTT") + bytes([self.version, 4 if will else 0]) + struct.pack("!H", 600)
        if self.version == 5:
            body += b"\x05\x11" + struct.pack("!I", wire.NEVER)
        body += text(self.name)
        if will:  # a minute after the connection, if the client is not back by then
            body += b"\x05\x18" + struct.pack("!I", 60) + text(will + self.name) + text("gone")
        self.send(packet(wire.CONNECT, 0, body))
        connack = await asyncio.wait_for(self.next_packet(), 5)
        if connack.kind != wire.CONNACK or connack.code:
            return
        if self.known and not connack.session_present:
            self.load.violation(f"{self.name}: its session is gone")
        self.known = True
        self.connects += 1
        self.heard = time.monotonic()
        self.greeted = True
        await self.on_connected(connack.session_present)
        while True:
            await self.on_packet(await self.next_packet())

    async def next_packet(self):
        head = await self.reader.readexactly(2)
        size, shift, byte = head[1] & 0x7f, 7, head[1]
        while byte & 0x80:
            byte = (await self.reader.readexactly(1))[0]
            size |= (byte & 0x7f) << shift
            shift += 7
        body = await self.reader.readexactly(size) if size else b""
        self.heard = time.monotonic()
        return wire.Packet(head[0], body, self.version)

    def send(self, data):
        self.writer.write(data)

    def ack(self, kind, packet_id):
        self.send(packet(kind, 2 if kind == PUBREL else 0, struct.pack("!H", packet_id)))


class Publisher(Session):
    def __init__(self, load, index, qos, version, window, size, retain=False):
        super().__init__(load, f"pub{index}", version)
        self.index, self.qos, self.window, self.size = index, qos, window, size
        self.retain = retain
        self.topic = f"load/{index}"
        self.pending = {}  # packet id → (number, PUBREC came), in the order of sending
        self.next_number = self.next_id = 0
        self.acknowledged = set()
        self.paused = False

    def publish(self, packet_id, number, dup):
        payload = HEAD.pack(self.index, number) + b"x" * self.load.random.randint(0, self.size)
        body = text(self.topic) + struct.pack("!H", packet_id)
        body += (b"\0" if self.version == 5 else b"") + payload
        self.send(packet(PUBLISH, dup << 3 | self.qos << 1 | self.retain, body))

    def fill(self):
        while (len(self.pending) < self.window and not self.paused
               and self.load.backlog(self) < self.load.backlog_max):
            self.next_id = self.next_id % 60000 + 1
            self.next_number += 1
            self.pending[self.next_id] = (self.next_number, False)
            self.publish(self.next_id, self.next_number, False)

    async def on_connected(self, _present):
        for packet_id, (number, received) in self.pending.items():
            if received:
                self.ack(PUBREL, packet_id)
            else:
                self.publish(packet_id, number, True)
        self.fill()

    async def on_packet(self, got):
        number, received = self.pending.get(got.id, (None, None))
        if got.kind in (PUBACK, PUBREC) and got.code >= 0x80:
            self.load.violation(f"{self.name}: {got} refused")
        if got.kind == PUBACK and number is not None:
            self.acknowledged.add(number)
            del self.pending[got.id]
        elif got.kind == PUBREC:
            if number is not None and not received:
                self.acknowledged.add(number)
                self.pending[got.id] = (number, True)
            self.ack(PUBREL, got.id)
        elif got.kind == PUBCOMP and number is not None:
            del self.pending[got.id]
        await self.writer.drain()
        if self.load.pause_s:
            await asyncio.sleep(self.load.pause_s)
        self.fill()


class Subscriber(Session):
    def __init__(self, load, index, version, topic_filter="load/#", pause_s=0.0):
        super().__init__(load, f"sub{index}", version)
        self.topic_filter, self.pause_s = topic_filter, pause_s
        self.counted = topic_filter == "load/#"  # gets all of it
        self.shared = topic_filter.startswith("$share/")
        self.subscribed = False
        self.seen = {}       # publisher → list of numbers as received by the application
        self.unreleased = set()

    async def on_connected(self, present):
        if not present:
            self.unreleased.clear()
        if not self.subscribed:
            self.send(packet(wire.SUBSCRIBE, 2, struct.pack("!H", 1)
                             + (b"\0" if self.version == 5 else b"")
                             + text(self.topic_filter) + b"\2"))

    async def on_packet(self, got):
        if got.kind == wire.SUBACK:
            self.subscribed = True
        elif got.kind == PUBLISH:
            again = got.qos == 2 and got.id in self.unreleased
            if got.qos == 2:
                self.unreleased.add(got.id)
            if not again:
                publisher, number = HEAD.unpack_from(got.payload)
                self.seen.setdefault(publisher, []).append(number)
            if got.qos:
                self.ack(PUBACK if got.qos == 1 else PUBREC, got.id)
            if self.pause_s:
                await asyncio.sleep(self.pause_s)
        elif got.kind == PUBREL:
            self.unreleased.discard(got.id)
            self.ack(PUBCOMP, got.id)
        await self.writer.drain()


class Load:
    """Runs sessions in a thread of its own; check() says what went wrong."""

    def __init__(self, ports, random, host="127.0.0.1", connect_s=2.0, silence_s=None,
                 will_topic=None):
        self.ports, self.random, self.host, self.connect_s = ports, random, host, connect_s
        self.silence_s = silence_s    # a connection counts as dead then; None: never
        self.will_topic = will_topic  # the will of each client of 5.0 goes to this, and its name
        self.pause_s = 0.0
        self.backlog_max = 2000  # a queue that is full would drop, as it should
        self.publishers, self.subscribers, self.others, self.violations = [], [], [], []
        self.abandoned = []
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()
        self.loop.call_soon_threadsafe(self._refill)
        if silence_s:
            self.loop.call_soon_threadsafe(self._watch)

    def violation(self, what):
        self.violations.append(what)

    def backlog(self, publisher):
        """Messages of it that the slowest subscriber has still to get."""
        got = [len(s.seen.get(publisher.index, ())) for s in self.subscribers if s.counted]
        return len(publisher.acknowledged) - min(got, default=len(publisher.acknowledged))

    def start(self, session):
        group = (self.publishers if isinstance(session, Publisher)
                 else self.subscribers if isinstance(session, Subscriber) else self.others)
        group.append(session)
        asyncio.run_coroutine_threadsafe(session.run(), self.loop)
        return session

    def publisher(self, qos, version=5, window=20, size=200, retain=False):
        return self.start(Publisher(self, len(self.publishers) + 1, qos, version, window, size,
                                    retain))

    def subscriber(self, version=5, topic_filter="load/#", pause_s=0.0):
        return self.start(Subscriber(self, len(self.subscribers) + 1, version, topic_filter,
                                     pause_s))

    def pause(self, paused=True):
        for publisher in self.publishers:
            publisher.paused = paused

    def _refill(self):
        for publisher in self.publishers:
            if publisher.writer and publisher.greeted:
                publisher.fill()
        self.loop.call_later(0.05, self._refill)

    def _watch(self):
        for session in self.publishers + self.subscribers + self.others:
            session.look_at(time.monotonic())
        self.loop.call_later(self.silence_s / 4, self._watch)

    def acknowledged(self):
        return sum(len(p.acknowledged) for p in self.publishers)

    def quiet(self):
        """All that was sent is acknowledged and all of it has arrived."""
        return (not any(p.pending for p in self.publishers)
                and not any(s.unreleased for s in self.subscribers) and not self.missing() and not self.missing_in_group())

    def missing(self):
        found = []
        for publisher in self.publishers:
            for subscriber in self.subscribers:
                if subscriber.counted:
                    lost = publisher.acknowledged - set(subscriber.seen.get(publisher.index, ()))
                    if lost:
                        found.append(f"{subscriber.name} lacks {len(lost)} acknowledged messages "
                                     f"of {publisher.name}, QoS {publisher.qos}, as "
                                     f"{sorted(lost)[:5]} of {publisher.next_number}")
        return found

    def missing_in_group(self):
        """Of a shared subscription all members together get everything, once."""
        found = []
        members = [s for s in self.subscribers if s.shared]
        for publisher in self.publishers if members else ():
            numbers = [n for s in members for n in s.seen.get(publisher.index, ())]
            lost = publisher.acknowledged - set(numbers)
            if lost:
                found.append(f"the group lacks {len(lost)} acknowledged messages of "
                             f"{publisher.name}, QoS {publisher.qos}, as {sorted(lost)[:5]}")
            if publisher.qos == 2 and len(set(numbers)) != len(numbers):
                twice = sorted(n for n in set(numbers) if numbers.count(n) > 1)
                found.append(f"the group got {len(twice)} messages of {publisher.name} at QoS 2 "
                             f"twice: {twice[:5]}")
        return found

    def wrong_retained(self, got):
        """`got`: topic → payload of what a new subscriber is sent as retained."""
        found = []
        for publisher in self.publishers:
            if not publisher.retain or not publisher.acknowledged:
                continue
            payload = got.get(publisher.topic)
            number = HEAD.unpack_from(payload)[1] if payload else 0
            if number < max(publisher.acknowledged):
                found.append(f"retained is number {number} of {publisher.name}, acknowledged was "
                             f"{max(publisher.acknowledged)}")
        return found

    def check(self):
        """Sentences about what was lost, doubled or out of order."""
        found = self.violations + self.missing() + self.missing_in_group()
        for publisher in self.publishers:
            for subscriber in self.subscribers:
                numbers = subscriber.seen.get(publisher.index, [])
                first = list(dict.fromkeys(numbers))
                # Sent again at QoS 1, a message may go to another member of a group.
                again = subscriber.shared and publisher.qos == 1
                if first != sorted(first) and not again:
                    at = next(i for i in range(1, len(first)) if first[i] < first[i - 1])
                    found.append(f"{subscriber.name} got {publisher.name} QoS {publisher.qos} out "
                                 f"of order: {first[max(0, at - 3):at + 3]}")
                if publisher.qos == 2 and len(first) != len(numbers):
                    twice = sorted(n for n in first if numbers.count(n) > 1)
                    found.append(f"{subscriber.name} got {len(twice)} messages of "
                                 f"{publisher.name} at QoS 2 twice: {twice[:5]}")
        return found

    def stop(self):
        for session in self.publishers + self.subscribers + self.others:
            session.stopping = True
        self.loop.call_soon_threadsafe(self._end)
        self.thread.join(5)

    def _end(self):
        for task in asyncio.all_tasks(self.loop):
            task.cancel()
        self.loop.call_later(0.1, self.loop.stop)
