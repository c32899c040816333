"""`tandemqctl setup`: both nodes' files, which their own programs take as they are."""
import json
import os
import pty
import stat
import subprocess

from support.expect import expect
from support.pair import Pair

FLAGS = {"--pair": 'plant "1"', "--first": "10.99.0.11,10.98.0.11", "--second": "10.99.0.12,10.98.0.12",
         "--virtual": "10.99.0.100/24", "--interface": "eth0,ens3"}


class Setup:
    def __init__(self, ctx, name="setup"):
        self.ctx, self.path = ctx, os.path.join(ctx.folder, name)

    def run(self, *more, code=0, says="", stdin=subprocess.DEVNULL, **flags):
        chosen = [word for flag, value in (FLAGS | flags).items() if value for word in (flag, value)]
        found = subprocess.run([os.path.join(self.ctx.prefix, "tandemqctl"), "setup", *chosen, *more, self.path],
                               check=False, stdin=stdin, capture_output=True, text=True, timeout=30)
        told = found.stdout + found.stderr
        expect(found.returncode == code, f"{chosen} {more} ended with {found.returncode}: {told}")
        expect(says in told, f"{chosen} {more} said {told}")
        return found.stdout

    def file(self, *names):
        return os.path.join(self.path, *names)

    def text(self, *names):
        with open(self.file(*names), encoding="utf-8") as file:
            return file.read()

    def everything(self):
        return {path: self.text(path) for path in (os.path.join(folder, name) for folder, _, names in os.walk(self.path)
                                                   for name in names)}

    def check(self, node):
        """By the node's programs, with the folder in the place of /etc/tandemq."""
        for program, name in (("tandemqd", "tandemqd.toml"), ("tandemq-agent", "agent.toml")):
            here = self.file(node, f"here-{name}")
            with open(here, "w", encoding="utf-8") as file:
                file.write(self.text(node, name).replace("/etc/tandemq/", self.file(node) + "/"))
            found = subprocess.run([os.path.join(self.ctx.prefix, program), "-c", here, "--check"], check=False,
                                   capture_output=True, text=True, timeout=20)
            expect(found.returncode == 0 and "is good" in found.stdout, f"{program}: {found.stdout}{found.stderr}")
            os.unlink(here)


def test_what_it_wrote_is_good(ctx):
    for name, more, flags in (("v4", ("--allow-anonymous",), {}),
                              ("v6", (), {"--first": "fd00::b", "--second": "fd00::c", "--virtual": "fd00::64/64,10.0.0.1/8",
                                          "--interface": "eth0", "--names": "left,right", "--gateway": "fd00::1"})):
        setup = Setup(ctx, name)
        told = setup.run(*more, **flags)
        nodes = flags.get("--names", "a,b").split(",")
        for node in nodes:
            if "passwd" in told:
                with open(setup.file(node, "passwd"), "w", encoding="utf-8"):
                    pass
            setup.check(node)
            modes = {stat.S_IMODE(os.stat(setup.file(node, f)).st_mode) for f in os.listdir(setup.file(node)) if f != "passwd"}
            expect(modes == {0o600} and stat.S_IMODE(os.stat(setup.file(node)).st_mode) == 0o700, f"{modes}")
        expect(len({setup.text(node, "pair.secret") for node in nodes}) == 1, "one secret")
        agents = [setup.text(node, "agent.toml") for node in nodes]
        expect(['interface = "ens3"' in text for text in agents] == [False, name == "v4"], "each has its interface")


def test_a_pair_of_it(ctx):
    """Certificates and names are such as the two let each other in by."""
    setup, pair = Setup(ctx), Pair(ctx)
    setup.run()
    for name, node in zip("ab", pair.nodes.values()):
        node.settings.update({"replication.pair_id": FLAGS["--pair"], "replication.certfile": setup.file(name, "link.pem"),
                              "replication.cafile": setup.file(name, "link-ca.pem")})
    pair.start()
    expect(pair.a.status()["link_tls"], "the link has TLS")


def test_nothing_is_replaced_unasked(ctx):
    setup = Setup(ctx)
    setup.run()
    before = setup.everything()
    setup.run(code=1, says="--force")
    os.unlink(setup.file("authority.pem"))
    setup.run(code=1, says="ca.pem is there already")
    del before[setup.file("authority.pem")]
    expect(setup.everything() == before, "nothing has changed")
    with open(os.path.join(ctx.folder, "secret"), "w", encoding="utf-8") as file:
        file.write("0123456789abcdef\n")
    found = json.loads(setup.run("--force", "--json", **{"--secret-file": file.name}))
    expect(found["nodes"] == ["a", "b"], f"{found}")
    expect(setup.text("b", "pair.secret") == "0123456789abcdef\n" and
           setup.text("b", "link.pem") != before[setup.file("b", "link.pem")], "all is made anew")


def test_what_is_wrong_is_told_before_anything_is_made(ctx):
    setup = Setup(ctx)
    short = os.path.join(ctx.folder, "short")
    with open(short, "w", encoding="utf-8") as file:
        file.write("0123456789abcde\n")
    for flags, says in (({"--pair": "", "--interface": ""}, "--pair, --interface"), ({"--virtual": "10.99.0.100"}, "needs a prefix"),
                        ({"--second": "10.99.0.12"}, "as many addresses"), ({"--first": "here,there"}, "here"),
                        ({"--interface": "a,b,c"}, "--interface"), ({"--interface": "et h0"}, "interface"),
                        ({"--names": "a,ca"}, "authority's"), ({"--names": "a,a"}, "differ"), ({"--names": "a"}, "two"),
                        ({"--names": "a,../b"}, "no node.name"), ({"--gateway": "nowhere"}, "nowhere"), ({"--pair": b"\xff"}, "UTF-8"),
                        ({"--secret-file": short}, "16 bytes"), ({"--secret-file": "/nowhere"}, "/nowhere")):
        setup.run(code=1, says=says, **flags)
        expect(not os.path.exists(setup.path), f"{flags}: nothing was made")
    os.mkdir(setup.path, 0o755)
    setup.run(code=1, says="chmod 700")
    expect(os.listdir(setup.path) == [], "nothing was made")


def test_it_asks_a_person(ctx):
    """Who has a terminal is asked for what was not given, and for nothing else."""
    setup = Setup(ctx)
    ours, theirs = pty.openpty()
    os.write(ours, b"10.99.0.100/24\neth0\n")
    setup.run(says="Address that clients shall use", stdin=theirs, **{"--virtual": "", "--interface": ""})
    for one in (ours, theirs):
        os.close(one)
    expect('interface = "eth0"' in setup.text("b", "agent.toml"), setup.text("b", "agent.toml"))
