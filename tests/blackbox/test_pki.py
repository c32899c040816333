"""`tandemqctl pki`: an authority in a folder, and certificates by which two nodes pair."""
import json
import os
import stat
import subprocess
import time

from support.expect import expect, wait_until
from support.pair import Pair


class Folder:
    def __init__(self, ctx, name="authority"):
        self.program = os.path.join(ctx.prefix, "tandemqctl")
        self.path = os.path.join(ctx.folder, name)

    def run(self, *arguments, code=0, says=""):
        found = subprocess.run([self.program, "pki", *arguments, self.path], check=False,
                               capture_output=True, text=True, timeout=30)
        told = found.stdout + found.stderr
        expect(found.returncode == code, f"{arguments} ended with {found.returncode}: {told}")
        told_one = any(one in told for one in ((says,) if isinstance(says, str) else says))
        expect(told_one, f"{arguments} said {told}")
        return found.stdout

    def file(self, name):
        return os.path.join(self.path, name)

    def mode(self, name):
        return stat.S_IMODE(os.stat(self.file(name)).st_mode)

    def settings(self, node):
        return {"replication.certfile": self.file(f"{node}.pem"),
                "replication.cafile": self.file("ca.pem")}


def test_a_pair_of_it(ctx):
    folder, pair = Folder(ctx), Pair(ctx)
    pair_id = "plant 1/Süd, \"x\""
    # Whole days that are left, of 3,650 and 825: one less as soon as the second is over.
    folder.run("init", "--pair", pair_id, says=("good for 3650 days", "good for 3649 days"))
    for node in pair.nodes.values():
        folder.run("issue", "--node", node.name, says=("good for 825 days", "good for 824 days"))
        node.settings.update(folder.settings(node.name))
        node.settings["replication.pair_id"] = pair_id
    pair.start()
    expect(pair.a.status()["link_tls"], "the link has TLS")
    for node in pair.nodes.values():  # renewed under way
        folder.run("issue", "--node", node.name, "--force", "--days", "400")
        node.control("reload")
    pair.b.kill()
    pair.b.start(listening=False)
    pair.wait_paired()
    days = {c["days_left"] for c in pair.a.status()["certificates"]}
    expect(days & {399, 400}, f"{days}")


def test_what_is_there_stays(ctx):
    folder = Folder(ctx)
    folder.run("show", code=1, says="cannot be read")
    folder.run("issue", "--node", "a", code=1, says="tandemqctl pki init --pair NAME")
    folder.run("init", "--pair", "plant-1")
    folder.run("issue", "--node", "a")
    expect([folder.mode(n) for n in (".", "authority.pem", "ca.pem", "a.pem")] ==
           [0o700, 0o600, 0o644, 0o600], "who may read what")
    kept = {n: open(folder.file(n), "rb").read() for n in os.listdir(folder.path)}
    folder.run("init", "--pair", "plant-1", code=1, says="--force")
    folder.run("issue", "--node", "a", code=1, says="--force")
    for name in ("../b", "", ".", "b/c", "authority", "ca", "x" * 33):
        folder.run("issue", "--node", name, code=1)
    expect(kept == {n: open(folder.file(n), "rb").read() for n in os.listdir(folder.path)},
           "nothing has changed")
    found = json.loads(folder.run("show", "--json"))["certificates"]
    expect([(c["names"], c["of_this_authority"]) for c in found] ==
           [("tandemq://plant-1/a", True), ("tandemq://plant-1/", True)], f"{found}")
    folder.run("init", "--pair", "plant-1", "--force")
    folder.run("show", says="NOT signed by this authority")


def test_a_folder_that_others_read(ctx):
    folder = Folder(ctx)
    os.mkdir(folder.path, 0o755)
    folder.run("init", "--pair", "plant-1", code=1, says="is not this user's alone")
    expect(os.listdir(folder.path) == [], "nothing was made")
    os.chmod(folder.path, 0o700)
    folder.run("init", "--pair", "plant-1")
    os.chmod(folder.path, 0o750)
    folder.run("issue", "--node", "a", code=1, says="chmod 700")


def test_an_authority_out_of_date(ctx):
    """Its certificates are no longer, and it issues none any more."""
    folder = Folder(ctx)
    folder.run("init", "--pair", "plant-1", "--days", "1")
    left = json.loads(folder.run("issue", "--node", "a", "--json"))["days_left"]
    expect(left <= 1, f"it is good for {left} days")
    ending = subprocess.run(
        ["openssl", "x509", "-in", folder.file("authority.pem"), "-signkey",
         folder.file("authority.pem"), "-days", "-1"], check=True, capture_output=True,
        text=True).stdout
    with open(folder.file("authority.pem"), encoding="ascii") as file:
        key = file.read().split("-----BEGIN CERT")[0]
    with open(folder.file("authority.pem"), "w", encoding="ascii") as file:
        file.write(key + ending)
    folder.run("issue", "--node", "b", code=1, says="tandemqctl pki init --force")


def test_killed_at_any_moment(ctx):
    """Key and certificate are one file, and it is there whole or not at all."""
    folder = Folder(ctx)
    folder.run("init", "--pair", "plant-1")
    for i in range(40):
        process = subprocess.Popen([folder.program, "pki", "issue", "--node", "a", "--force",
                                    folder.path], stdout=subprocess.DEVNULL)
        time.sleep(i * 0.001)
        process.kill()
        process.wait()
        if os.path.exists(folder.file("a.pem")):
            found = subprocess.run(["openssl", "verify", "-CAfile", folder.file("ca.pem"),
                                    folder.file("a.pem")], check=False, capture_output=True)
            expect(found.returncode == 0, f"{found.stderr}")
    folder.run("issue", "--node", "a", "--force")
    wait_until(lambda: not os.path.exists(folder.file("a.pem.new")), "nothing is left behind", 1)


def test_several_at_once(ctx):
    """One of them writes it, the others wait for nobody and say so."""
    folder = Folder(ctx)
    folder.run("init", "--pair", "plant-1")
    for _ in range(10):
        running = [subprocess.Popen([folder.program, "pki", "issue", "--node", "a", "--force", folder.path],
                                    stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
                   for _ in range(4)]
        told = [one.communicate()[1] for one in running]
        for one, words in zip(running, told):
            expect(one.returncode == 0 or "by another one" in words, f"{one.returncode}: {words}")
        expect(any(one.returncode == 0 for one in running), "nobody wrote it")
        with open(folder.file("a.pem"), encoding="ascii") as file:
            text = file.read()
        expect(text.count("-----BEGIN") == 2 and text.endswith("-----END CERTIFICATE-----\n"), "it is torn")
