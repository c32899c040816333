"""A small MQTT client for tests: synchronous, nothing behind the scenes. It sends what it is told
and returns what it got, so that a test decides what is acknowledged when."""
import socket
import struct
import time

CONNECT, CONNACK, PUBLISH, PUBACK, PUBREC, PUBREL, PUBCOMP = 1, 2, 3, 4, 5, 6, 7
SUBSCRIBE, SUBACK, UNSUBSCRIBE, UNSUBACK, PINGREQ, PINGRESP, DISCONNECT = 8, 9, 10, 11, 12, 13, 14
AUTH = 15
NEVER = 0xffffffff


def text(value):
    data = value.encode() if isinstance(value, str) else value
    return struct.pack("!H", len(data)) + data


def varint(value):
    out = b""
    while True:
        value, low = value >> 7, value & 0x7f
        out += bytes([low | 0x80 if value else low])
        if not value:
            return out


def read_varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7f) << shift
        shift += 7
        if not byte & 0x80:
            return value, at


def packet(kind, flags, body):
    return bytes([kind << 4 | flags]) + varint(len(body)) + body


class Packet:
    """One received packet. PUBLISH: topic, payload, qos, dup, retain, id. Others: id, code(s)."""

    def __init__(self, first, body, version):
        self.kind, self.body = first >> 4, body
        self.id = self.code = 0
        if self.kind == PUBLISH:
            self.qos, self.dup, self.retain = first >> 1 & 3, bool(first & 8), bool(first & 1)
            size = struct.unpack_from("!H", body)[0]
            self.topic, at = body[2:2 + size].decode(), 2 + size
            if self.qos:
                self.id, at = struct.unpack_from("!H", body, at)[0], at + 2
            if version == 5:
                size, at = read_varint(body, at)
                self.properties, at = body[at:at + size], at + size
            self.payload = body[at:]
        elif self.kind == CONNACK:
            self.session_present, self.code = bool(body[0] & 1), body[1]
        elif self.kind in (DISCONNECT, AUTH):
            self.code = body[0] if body else 0
        elif self.kind in (SUBACK, UNSUBACK):
            self.id, at = struct.unpack_from("!H", body)[0], 2
            if version == 5:
                size, at = read_varint(body, at)
                at += size
            self.codes = list(body[at:])
        elif len(body) >= 2:
            self.id = struct.unpack_from("!H", body)[0]
            self.code = body[2] if len(body) > 2 else 0

    def __repr__(self):
        return f"Packet(kind={self.kind} id={self.id} code={self.code} {self.body[:40]!r})"


class Client:
    """One connection. Session expiry above 0 keeps the session."""

    def __init__(self, port, client_id, version=5, clean=False, expiry=NEVER, keep_alive=60,
                 will=None, host="127.0.0.1", timeout=10, username=None, password=None,
                 properties=b"", will_properties=b"", tls=None, session=None):
        """`tls`: an SSLContext; `session`: of an earlier connection with it, to be resumed."""
        self.version, self.client_id = version, client_id
        self.socket = socket.create_connection((host, port), timeout)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if tls:
            self.socket = tls.wrap_socket(self.socket, server_hostname=host, session=session)
        self.buffer = b""
        self.next_id = 0
        flags = 2 if clean else 0
        if will:  # (topic, payload, qos, retain)
            flags |= 4 | will[2] << 3 | (0x20 if will[3] else 0)
        flags |= (0x80 if username is not None else 0) | (0x40 if password is not None else 0)
        body = text("MQIsdp" if version == 3 else "MQTT") + bytes([version, flags])
        body += struct.pack("!H", keep_alive)
        if version == 5:
            properties += b"\x11" + struct.pack("!I", expiry)
            body += varint(len(properties)) + properties
        body += text(client_id)
        if will:
            if version == 5:
                body += varint(len(will_properties)) + will_properties
            body += text(will[0]) + text(will[1])
        body += b"".join(text(field) for field in (username, password) if field is not None)
        self.send(packet(CONNECT, 0, body))
        self.connack = self.receive(CONNACK)

    def send(self, data):
        self.socket.sendall(data)

    def close(self):
        """The connection breaks, without DISCONNECT."""
        self.socket.close()

    def disconnect(self):
        self.send(packet(DISCONNECT, 0, b""))
        self.socket.close()

    def take_id(self):
        self.next_id = self.next_id % 65535 + 1
        return self.next_id

    def _properties(self, properties=b""):
        return varint(len(properties)) + properties if self.version == 5 else b""

    def publish_bytes(self, topic, payload, qos=0, retain=False, packet_id=0, dup=False,
                      properties=b""):
        data = payload.encode() if isinstance(payload, str) else payload
        body = text(topic) + (struct.pack("!H", packet_id) if qos else b"")
        return packet(PUBLISH, dup << 3 | qos << 1 | retain, body + self._properties(properties) + data)

    def publish(self, topic, payload, qos=0, retain=False, packet_id=None, dup=False,
                properties=b""):
        """Sends it; returns the packet identifier."""
        if packet_id is None:
            packet_id = self.take_id() if qos else 0
        self.send(self.publish_bytes(topic, payload, qos, retain, packet_id, dup, properties))
        return packet_id

    def ack(self, kind, packet_id):
        self.send(packet(kind, 2 if kind == PUBREL else 0, struct.pack("!H", packet_id)))

    def subscribe(self, topic_filter, qos=1, properties=b""):
        """`qos` is the whole options byte."""
        packet_id = self.take_id()
        self.send(packet(SUBSCRIBE, 2, struct.pack("!H", packet_id) + self._properties(properties)
                         + text(topic_filter) + bytes([qos])))
        return self.receive(SUBACK)

    def unsubscribe(self, topic_filter):
        packet_id = self.take_id()
        self.send(packet(UNSUBSCRIBE, 2, struct.pack("!H", packet_id) + self._properties()
                         + text(topic_filter)))
        return self.receive(UNSUBACK)

    def expect_closed(self, seconds=5):
        """What comes before the broker closes; AssertionError when it does not."""
        found = []
        try:
            while True:
                got = self.next_packet(seconds)
                if got is None:
                    raise AssertionError(f"{self.client_id} is still connected, got {found}")
                found.append(got)
        except ConnectionError:
            return found

    def next_packet(self, seconds=None):
        """The next packet, or None after so many seconds of silence. ConnectionError at the end."""
        if seconds is not None:
            self.socket.settimeout(seconds)
        while True:
            whole = self._whole()
            if whole:
                return whole
            try:
                got = self.socket.recv(1 << 18)
            except socket.timeout:
                return None
            if not got:
                raise ConnectionError("the broker closed the connection")
            self.buffer += got

    def _whole(self):
        if len(self.buffer) < 2:
            return None
        try:
            size, at = read_varint(self.buffer, 1)
        except IndexError:
            return None
        if len(self.buffer) < at + size:
            return None
        found = Packet(self.buffer[0], self.buffer[at:at + size], self.version)
        self.buffer = self.buffer[at + size:]
        return found

    def receive(self, kind, seconds=10):
        """The next packet, which must be of this kind."""
        got = self.next_packet(seconds)
        if got is None or got.kind != kind:
            raise AssertionError(f"{self.client_id} expected a packet of kind {kind}, got {got}")
        return got

    def drain(self, silence=0.3, acknowledge=True, limit=None):
        """PUBLISHes until nothing comes for `silence` seconds (or `limit` came), acknowledged and,
        at QoS 2, completed."""
        found = []
        end = time.monotonic() + 60
        while time.monotonic() < end and (limit is None or len(found) < limit):
            got = self.next_packet(silence)
            if got is None:
                break
            if got.kind == PUBLISH:
                found.append(got)
                if acknowledge and got.qos:
                    self.ack(PUBACK if got.qos == 1 else PUBREC, got.id)
            elif got.kind == PUBREL and acknowledge:
                self.ack(PUBCOMP, got.id)
        return found


class Raw(Client):
    """A connection that has sent nothing yet."""

    def __init__(self, port, version=5, timeout=10):  # pylint: disable=super-init-not-called
        self.version, self.client_id, self.buffer, self.next_id = version, "raw", b"", 0
        self.socket = socket.create_connection(("127.0.0.1", port), timeout)
