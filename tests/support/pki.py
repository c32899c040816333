"""Certificates for tests, made by the openssl program: an authority and what it issues."""
import os
import ssl
import subprocess


class Pki:
    def __init__(self, folder, name="authority"):
        self.folder, self.name = folder, name
        os.makedirs(folder, exist_ok=True)
        self.cafile, self.key = self.path(name + ".pem"), self.path(name + ".key")
        self._run("req", "-x509", *self._new_key(self.key), "-out", self.cafile, "-days", "3650",
                  "-subj", f"/CN={name}")

    def path(self, name):
        return os.path.join(self.folder, name)

    def _new_key(self, path):
        return ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", path]

    def _run(self, *arguments):
        subprocess.run(["openssl", *arguments], check=True, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL, cwd=self.folder)

    def issue(self, name, subject=None, names="DNS:localhost,IP:127.0.0.1", days=30):
        """Certificate and key of that name, as (certfile, keyfile)."""
        cert, key, asked = self.path(name + ".pem"), self.path(name + ".key"), self.path("asked")
        with open(self.path("extensions"), "w", encoding="utf-8") as file:
            file.write(f"subjectAltName={names}\n")
        self._run("req", "-new", *self._new_key(key), "-out", asked,
                  "-subj", subject or f"/CN={name}")
        self._run("x509", "-req", "-in", asked, "-CA", self.cafile, "-CAkey", self.key,
                  "-CAcreateserial", "-days", str(days), "-extfile", self.path("extensions"),
                  "-out", cert)
        return cert, key

    def revoke(self, name, *certfiles):
        """A revocation list of these; returns its file."""
        database, config, out = self.path("index"), self.path("ca.cnf"), self.path(name)
        with open(database, "a", encoding="utf-8"):
            pass
        with open(config, "w", encoding="utf-8") as file:
            file.write(f"[ca]\ndefault_ca=a\n[a]\ndatabase={database}\ndefault_md=sha256\n"
                       "default_crl_days=30\n")
        signed = ["-config", config, "-cert", self.cafile, "-keyfile", self.key]
        for certfile in certfiles:
            self._run("ca", *signed, "-revoke", certfile)
        self._run("ca", *signed, "-gencrl", "-out", out)
        return out

    def trust(self, own=None):
        """A context for clients; `own`: what issue() gave, to be shown."""
        context = ssl.create_default_context(cafile=self.cafile)
        if own:
            context.load_cert_chain(*own)
        return context
