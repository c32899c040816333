"""Password files as `mosquitto_passwd` makes them."""
import base64
import hashlib
import os


def digest_of(password, salt, iterations):
    return hashlib.pbkdf2_hmac("sha512", password.encode(), salt, iterations)


def write_passwords(path, passwords, iterations):
    """`passwords`: {user: password}."""
    with open(path, "w", encoding="utf-8") as file:
        for user, password in passwords.items():
            salt = os.urandom(12)
            fields = (str(iterations), base64.b64encode(salt).decode(),
                      base64.b64encode(digest_of(password, salt, iterations)).decode())
            file.write(f"{user}:$7$" + "$".join(fields) + "\n")
    os.chmod(path, 0o600)
