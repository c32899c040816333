"""Proxies, Unix sockets, log-ins that fail too often, and limits that CONNACK tells."""
import os
import re
import socket
import stat
import struct
import time

from support.expect import expect, free_port, wait_until
from support.passwords import write_passwords
from support.pki import Pki
from support.wire import DISCONNECT, PUBACK, Client

FILTER = os.path.join(os.path.dirname(__file__), "../../packaging/etc/fail2ban/filter.d/tandemq.conf")
V1 = b"PROXY TCP4 10.1.2.3 127.0.0.1 50000 1883\r\n"
V2 = (b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c" + bytes((10, 1, 2, 3, 127, 0, 0, 1))
      + struct.pack("!HH", 50000, 1883))


class Proxied(Client):
    """Says `header` before all else."""

    def __init__(self, port, name, header, tls=None, **arguments):
        real = socket.create_connection

        def connect(address, timeout):
            one = real(address, timeout)
            one.sendall(header)
            return one
        socket.create_connection = connect
        try:
            super().__init__(port, name, tls=tls, clean=True, expiry=0, **arguments)
        finally:
            socket.create_connection = real


def works(client):
    client.publish("t", "1", 1)
    expect(client.receive(PUBACK), "it is served")


def test_a_proxy_says_where_the_client_is(ctx):
    pki = Pki(ctx.folder + "/pki")
    pki.issue("server")
    secure = free_port()
    broker = ctx.broker(listener_name="plain", listener_proxy_protocol_from=["127.0.0.0/8"],
                        listener_allow_anonymous=True)
    broker.more_listeners = [{
        "name": "secure", "address": "127.0.0.1", "port": secure, "allow_anonymous": True,
        "proxy_protocol_from": ["127.0.0.1"], "certfile": pki.path("server.pem"),
        "keyfile": pki.path("server.key")}]
    broker.start()
    for name, header in (("one", V1), ("two", V2)):
        works(Proxied(broker.port, name, header))
        works(Proxied(secure, name + "s", header, tls=pki.trust()))
        for client in (name, name + "s"):
            expect(broker.tells(f"New client connected from 10.1.2.3:50000 as {client} "), client)
    works(Proxied(broker.port, "health", b"PROXY UNKNOWN\r\n"))
    expect(broker.tells("New client connected from 127.0.0.1:"), "the proxy's own connection")


def test_who_may_not_say_it_is_refused(ctx):
    stranger = free_port()
    broker = ctx.broker(listener_name="proxied", listener_proxy_protocol_from=["127.0.0.1"],
                        listener_allow_anonymous=True)
    broker.more_listeners = [{
        "name": "others", "address": "127.0.0.1", "port": stranger, "allow_anonymous": True,
        "proxy_protocol_from": ["10.0.0.0/8", "fd00::/8"]}]
    broker.start()
    for port, header, why in ((stranger, V1, "it is not in proxy_protocol_from"),
                              (broker.port, b"", "there is no PROXY header")):
        try:
            Proxied(port, "c", header)
            raise AssertionError("it came in")
        except OSError:
            pass
        expect(broker.tells(why), f"'{why}' is not in: {broker.log_tail()}")
    half = socket.create_connection(("127.0.0.1", broker.port), 20)
    half.sendall(V1[:20])
    begun = time.monotonic()
    half.settimeout(20)
    expect(half.recv(1) == b"", "half a header is waited for without end")
    expect(time.monotonic() - begun < 15, "half a header is waited for too long")


def test_a_unix_socket(ctx):
    path = os.path.join(ctx.folder, "mqtt.sock")
    broker = ctx.broker(listener_name="tcp")
    broker.more_listeners = [{"name": "local", "socket_path": path, "socket_mode": "0600"}]
    broker.start()
    expect(stat.S_IMODE(os.stat(path).st_mode) == 0o600, "its mode")
    real = socket.create_connection

    class Unix(socket.socket):
        def setsockopt(self, *_):  # it has no Nagle
            pass

    def connect_unix(_address, timeout):
        one = Unix(socket.AF_UNIX)
        one.settimeout(timeout)
        one.connect(path)
        return one
    socket.create_connection = connect_unix
    try:
        client = Client(0, "local", clean=True, expiry=0)
    finally:
        socket.create_connection = real
    works(client)
    expect(broker.tells(f"New client connected from unix:uid-{os.getuid()},pid-{os.getpid()} as local "),
           "who it is")
    again = ctx.broker("b", listener_socket_path=path).launch()
    expect(again.exit_code() == 3, f"two brokers on one socket: {again.log_tail()}")
    expect(again.tells("another program answers on it"), again.log_tail())
    broker.kill()
    broker.start()
    expect(stat.S_ISSOCK(os.stat(path).st_mode), "what a killed broker left is replaced")
    broker.stop()
    expect(not os.path.exists(path), "it is left behind")


def test_guesses_are_slowed_down_and_told_for_fail2ban(ctx):
    path = os.path.join(ctx.folder, "passwords")
    write_passwords(path, {"alice": "secret", "bob": "other"}, 101)
    broker = ctx.broker(auth_password_file=path).start()

    def code(user, password, version=5):
        return Client(broker.port, user[:5], version, username=user, password=password).connack.code
    injected = 'x level=notice event=login_failed address=1.2.3.4:1 listener='
    expect(code(injected, "x") == 0x86, "an odd name")
    for _ in range(6):
        expect(code("alice", "wrong") == 0x86, "a guess")
    expect(code("alice", "secret") == 0x9f, "the seventh try comes at once")
    expect(code("alice", "secret", 4) == 3, "3.1.1: server unavailable")
    expect(code("bob", "other") == 0, "another user from the same address")
    wait_until(lambda: code("alice", "secret") == 0, "it may try again", 15)
    with open(FILTER, encoding="utf-8") as file:
        pattern = re.search(r"^failregex = (.*)$", file.read(), re.M).group(1)
    expression = re.compile(pattern.replace("<HOST>", r"(?P<host>[0-9a-f.:]+?)"))
    found = [match["host"] for match in map(expression.match, broker.log().splitlines()) if match]
    expect(found == ["127.0.0.1"] * 7, f"{found}")


def test_limits_that_are_told(ctx):
    broker = ctx.broker(limits_maximum_qos=1, limits_retain_available=False,
                        limits_keep_alive_s_max=30).start()
    client = Client(broker.port, "c", keep_alive=600)
    properties = client.connack.body[2:]
    for part, name in ((b"\x13\0\x1e", "server keep alive"), (b"\x24\x01", "maximum QoS"),
                       (b"\x25\x00", "retain available")):
        expect(part in properties, f"{name}: {properties}")
    expect(client.subscribe("t", 2).codes == [1], "what is granted")
    client.publish("t", "1", 2)
    expect(client.receive(DISCONNECT).code == 0x9b, "QoS 2")
    client = Client(broker.port, "c")
    client.publish("t", "1", 0, retain=True)
    expect(client.receive(DISCONNECT).code == 0x9a, "retained")
    expect(Client(broker.port, "w", will=("t", "x", 2, False)).connack.code == 0x9b, "its will")
    expect(Client(broker.port, "old", 4, keep_alive=0).connack.code == 2, "3.1.1 without keep alive")
    expect(Client(broker.port, "old", 4, keep_alive=30).connack.code == 0, "3.1.1 within it")
