"""MQTT over WebSocket, plain and over TLS, with paho and by hand."""
import os
import socket
import threading

from support.expect import Skipped, expect
from support.pki import Pki

try:
    from paho.mqtt import client as paho
except ImportError:
    paho = None


def round_trip(broker, path="/mqtt", pki=None, count=200):
    """A large and many small messages there and back, by one paho client."""
    if paho is None:
        raise Skipped("python3-paho-mqtt is not installed")
    client = paho.Client("web", transport="websockets")
    client.ws_set_options(path=path)
    if pki:
        client.tls_set(pki.cafile)
    wanted = [bytes(i % 251 for i in range(200_000))] + [b"%d" % i for i in range(count)]
    got, done = [], threading.Event()

    def on_message(_client, _data, message):
        got.append(message.payload)
        if len(got) == len(wanted):
            done.set()

    def on_subscribe(*_):
        for payload in wanted:
            client.publish("t", payload, qos=1)
    client.on_message, client.on_subscribe = on_message, on_subscribe
    client.on_connect = lambda *_: client.subscribe("t", 1)
    client.connect("localhost" if pki else "127.0.0.1", broker.port)
    client.loop_start()
    try:
        expect(done.wait(20), f"{len(got)} of {len(wanted)} came back: {broker.log_tail()}")
    finally:
        client.loop_stop()
        client.disconnect()
    expect(got == wanted, "a message changed on the way, or the order")


def test_paho(ctx):
    broker = ctx.broker(listener_protocol="websockets", listener_websockets_path="/mqtt").start()
    round_trip(broker)


def test_paho_over_tls(ctx):
    pki = Pki(ctx.folder + "/pki")
    certfile, keyfile = pki.issue("server")
    broker = ctx.broker(listener_protocol="websockets", listener_certfile=certfile,
                        listener_keyfile=keyfile).start()
    round_trip(broker, pki=pki)


def test_what_is_refused_is_answered_and_told(ctx):
    broker = ctx.broker(listener_protocol="websockets", listener_websockets_path="/mqtt").start()

    def answer(request):
        with socket.create_connection(("127.0.0.1", broker.port), 5) as raw:
            raw.sendall(request)
            address = "%s:%s" % raw.getsockname()
            text = b""
            while True:
                piece = raw.recv(4096)
                if not piece:
                    break
                text += piece
        expect(broker.tells(f"event=websocket_refused address={address} listener=mqtt"),
               "the refusal is not told")
        return text.split(b"\r\n")[0].decode()
    expect(answer(b"GET /mqtt HTTP/1.1\r\nHost: x\r\n\r\n") == "HTTP/1.1 426 Upgrade Required",
           "a browser's address line")
    expect(answer(b"GET /other HTTP/1.1\r\nHost: x\r\n\r\n") == "HTTP/1.1 404 Not Found", "path")
    expect(answer(b"\x10\x0c\0\4MQTT\4\2\0\x3c\0\0") == "HTTP/1.1 400 Bad Request", "plain MQTT")


def test_many_pieces(ctx):
    """A CONNECT over several frames, and several packets in one."""
    broker = ctx.broker(listener_protocol="websockets").start()

    def frame(payload, opcode=2, last=True):
        mask = os.urandom(4)
        body = bytes(b ^ mask[i % 4] for i, b in enumerate(payload))
        return bytes([opcode | (0x80 if last else 0), 0x80 | len(payload)]) + mask + body
    connect = b"\x10\x0d\0\4MQTT\4\2\0\x3c\0\1c"
    with socket.create_connection(("127.0.0.1", broker.port), 5) as raw:
        raw.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
                    b"Sec-WebSocket-Protocol: mqttv3.1\r\n\r\n"
                    + frame(connect[:3], last=False) + frame(connect[3:], opcode=0)
                    + frame(b"\xc0\0\xc0\0"))
        text = b""
        while not text.endswith(b"\xd0\0") or text.count(b"\xd0\0") < 2:
            piece = raw.recv(4096)
            expect(piece, f"closed after {text}")
            text += piece
    expect(b"\x20\x02\0\0" in text, f"no CONNACK: {text}")
