"""JSON Web Tokens and key sets for tests: HS256, by the standard library alone."""
import base64
import hashlib
import hmac
import json
import os
import time


def base64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def secret_of(name):
    return hashlib.sha256(name.encode()).digest()


def write_keys(path, *names):
    keys = [{"kty": "oct", "kid": name, "k": base64url(secret_of(name))} for name in names]
    with open(path, "w", encoding="utf-8") as file:
        json.dump({"keys": keys}, file)
    os.chmod(path, 0o600)
    return path


def token(key="one", lasts_s=600, **claims):
    """Of `key`, with a user (`sub`) among the claims; an audience as `aud`, rights as `acl`."""
    claims = {"exp": int(time.time()) + lasts_s, **claims}
    parts = [{"alg": "HS256", "kid": key}, claims]
    text = ".".join(base64url(json.dumps(part).encode()) for part in parts)
    signature = hmac.new(secret_of(key), text.encode(), hashlib.sha256).digest()
    return text + "." + base64url(signature)
