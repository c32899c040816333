"""`tandemqctl passwd`: lines of a password file, which keeps all else."""
import os
import stat
import subprocess

from support.expect import expect, wait_until
from support.wire import Client


class Book:
    def __init__(self, ctx):
        self.ctx, self.path = ctx, os.path.join(ctx.folder, "passwords")
        self.program = os.path.join(ctx.prefix, "tandemqctl")

    def start(self, *arguments, path=None, **more):
        return subprocess.Popen([self.program, "passwd", path or self.path, *arguments],
                                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                text=True, **more)

    def run(self, *arguments, password="secret\n", code=0, says="", path=None, **more):
        process = self.start(*arguments, path=path, **more)
        out, error = process.communicate(password, timeout=30)
        expect(process.returncode == code and says in out + error,
               f"{arguments}: {process.returncode}, not {code} with '{says}': {out} {error}")
        return out

    def lines(self):
        with open(self.path, encoding="utf-8") as file:
            return file.read().splitlines()

    def write(self, text):
        with open(self.path, "w", encoding="utf-8") as file:
            file.write(text)


def test_the_broker_takes_what_it_writes(ctx):
    book = Book(ctx)
    book.run("anna", says="`tandemqctl reload`")
    expect(stat.S_IMODE(os.stat(book.path).st_mode) == 0o600, "the mode of a new file")
    broker = ctx.broker(auth_password_file=book.path).start()

    def code(user, password):
        return Client(broker.port, "c", username=user, password=password, clean=True, expiry=0).connack.code
    expect([code("anna", "secret"), code("anna", "other")] == [0, 0x86], "its password")
    book.run("anna", password="other\n")
    book.run("bob", "--iterations", "1000", password="bobs\n")
    broker.control("reload")
    wait_until(lambda: code("anna", "other") == 0, "the new password is taken")
    expect([code("anna", "secret"), code("bob", "bobs")] == [0x86, 0], "the one before, and another's")
    book.run("--delete", "anna", password="")
    broker.control("reload")
    expect([code("anna", "other"), code("bob", "bobs")] == [0x86, 0], "who was taken out")


def test_all_else_stays(ctx):
    """Other lines as they are, the place, owner and mode; and nothing lies about afterwards."""
    book = Book(ctx)
    book.run("anna")
    book.run("bob")
    anna, bob = book.lines()
    book.write(f"# of the plant\n{anna}\n\n{bob}\n{anna}")  # twice, and without an end of line
    os.chmod(book.path, 0o640)
    if os.getuid() == 0:
        os.chown(book.path, 4321, 8765)
    before = os.stat(book.path)
    book.run("anna", password="other\n")
    after = os.stat(book.path)
    expect((after.st_mode, after.st_uid, after.st_gid) == (before.st_mode, before.st_uid, before.st_gid),
           f"owner and mode: {after}")
    found = book.lines()
    expect(found[0] == "# of the plant" and found[1].startswith("anna:$7$101$") and found[1] != anna
           and found[2:] == ["", bob], f"{found}")
    book.run("carol", cwd=ctx.folder, path="passwords")
    expect(book.lines()[:4] == found and book.lines()[4].startswith("carol:$7$"), f"{book.lines()}")
    expect(not [f for f in os.listdir(ctx.folder) if f.endswith(".new")], "something lies about")


def test_what_it_does_not_touch(ctx):
    book = Book(ctx)
    book.run("anna")
    real, link = book.path, os.path.join(ctx.folder, "link")
    os.symlink(real, link)
    before = book.lines()
    book.run("bob", code=1, says="symbolic link", path=link)
    book.run("bob", code=1, says="is no file", path=ctx.folder)
    book.run("bob", code=1, says="cannot be written", path="/none/passwords")
    for name in ("", "a:b", "#a", "a\nb"):
        book.run(name, code=1, says="cannot be a user")
    book.run("--delete", "eve", code=1, says="there is no user 'eve'")
    book.run("bob", password="", code=1, says="the password is empty")
    book.run("bob", "--iterations", "0", code=64)
    expect(book.lines() == before and os.path.islink(link), "something was written")
    book.write("anna:secret\n")
    book.run("bob", code=1, says=f"{real}:1: ")
    expect(book.lines() == ["anna:secret"], "a file that is none was written")


def test_several_at_once_lose_nothing(ctx):
    book = Book(ctx)
    book.run("first")
    users = [f"user{n}" for n in range(12)]
    processes = [book.start(user) for user in users]
    for process in processes:
        process.communicate("secret\n", timeout=30)
        expect(process.returncode == 0, f"exit code {process.returncode}")
    found = sorted(line.split(":")[0] for line in book.lines())
    expect(found == sorted(["first", *users]), f"{found}")
