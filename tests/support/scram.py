"""The client's side of SCRAM-SHA-256 (RFC 5802, RFC 7677), and AUTH packets of MQTT 5.0."""
import base64
import hashlib
import hmac
import os

from support.wire import AUTH, CONNACK, CONNECT, Raw, packet, read_varint, text, varint

METHOD = "SCRAM-SHA-256"
GO_ON, AGAIN = 0x18, 0x19


def mac(key, message):
    return hmac.new(key, message.encode(), hashlib.sha256).digest()


def in_base64(data):
    return base64.b64encode(data).decode()


class Proof:
    """One exchange: what the client says first, and its answer to the challenge."""

    def __init__(self, user, password, header="n,,", nonce=None):
        self.password, self.header = password, header
        self.nonce = nonce or in_base64(os.urandom(12))
        name = user.replace("=", "=3D").replace(",", "=2C")
        self.bare = f"n={name},r={self.nonce}"
        self.first = header + self.bare
        self.expected = None  # of the server's last word

    def last(self, challenge, nonce=None):
        fields = dict(field.split("=", 1) for field in challenge.split(","))
        salt, iterations = base64.b64decode(fields["s"]), int(fields["i"])
        salted = hashlib.pbkdf2_hmac("sha256", self.password.encode(), salt, iterations)
        key = mac(salted, "Client Key")
        bare = f"c={in_base64(self.header.encode())},r={nonce or fields['r']}"
        said = f"{self.bare},{challenge},{bare}"
        signature = mac(hashlib.sha256(key).digest(), said)
        self.expected = "v=" + in_base64(mac(mac(salted, "Server Key"), said))
        return f"{bare},p={in_base64(bytes(a ^ b for a, b in zip(key, signature)))}"


def entry(password, iterations=4096, salt=None):
    """As a password file has it behind the colon."""
    salt = salt or os.urandom(16)
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, iterations)
    stored = hashlib.sha256(mac(salted, "Client Key")).digest()
    return (f"SCRAM-SHA-256${iterations}:{in_base64(salt)}"
            f"${in_base64(stored)}:{in_base64(mac(salted, 'Server Key'))}")


def write_users(path, **passwords):
    """A password file; its path."""
    with open(path, "w", encoding="utf-8") as file:
        for user, password in passwords.items():
            file.write(f"{user}:{entry(password)}\n")
    os.chmod(path, 0o600)
    return path


def properties_of(method, data):
    found = b"" if method is None else b"\x15" + text(method)
    found += b"" if data is None else b"\x16" + text(data)
    return varint(len(found)) + found


def auth_words(found, at):
    """(method, data) of the properties that begin there; they are of AUTH, or first in CONNACK."""
    size, at = read_varint(found, at)
    end, method, data = at + size, None, None
    while at < end:
        kind, at = found[at], at + 1
        if kind in (0x15, 0x16):
            length = int.from_bytes(found[at:at + 2], "big")
            value = found[at + 2:at + 2 + length].decode()
            at += 2 + length
            method, data = (value, data) if kind == 0x15 else (method, value)
        else:
            at += {0x11: 4, 0x13: 2, 0x21: 2, 0x22: 2, 0x24: 1, 0x25: 1, 0x27: 4}.get(kind) or \
                2 + int.from_bytes(found[at:at + 2], "big")
    return method, data


class Prover(Raw):
    """A client of 5.0 that comes in by AUTH packets, each sent when the test says so."""

    def connect(self, client_id, method=METHOD, data=None, username=None, expiry=0, will=None,
                clean=True):
        found = b"\x15" + text(method) + (b"" if data is None else b"\x16" + text(data))
        found += b"\x11" + expiry.to_bytes(4, "big")
        flags = (2 if clean else 0) | (0x80 if username is not None else 0) | (4 if will else 0)
        body = text("MQTT") + bytes([5, flags, 0, 60]) + varint(len(found)) + found + text(client_id)
        if will:
            body += b"\0" + text(will[0]) + text(will[1])
        if username is not None:
            body += text(username)
        self.send(packet(CONNECT, 0, body))

    def auth(self, data, code=GO_ON, method=METHOD):
        self.send(packet(AUTH, 0, bytes([code]) + properties_of(method, data)))

    def challenged(self, code=GO_ON):
        """The data of the AUTH that comes."""
        got = self.receive(AUTH)
        method, data = auth_words(got.body, 1)
        assert (got.body[0], method) == (code, METHOD), f"{got}"
        return data

    def come(self, client_id, user, password, **more):
        """The whole exchange; the CONNACK."""
        proof = Proof(user, password)
        self.connect(client_id, data=proof.first, **more)
        self.auth(proof.last(self.challenged()))
        self.connack = self.receive(CONNACK)
        if self.connack.code == 0:
            words = auth_words(self.connack.body, 2)
            assert words == (METHOD, proof.expected), f"{words}, wanted {proof.expected}"
        return self.connack
