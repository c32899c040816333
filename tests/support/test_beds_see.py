"""Each test bed notices a broken invariant: what check.h prints is put where its daemons' logs are."""
import os
import subprocess
import sys
import tempfile
from types import SimpleNamespace

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.dirname(HERE), os.path.join(HERE, "..", "ha")]
import testbed  # noqa: E402
from support import broker  # noqa: E402
from support.expect import Failed  # noqa: E402


def noticed(failure, look):
    try:
        look()
    except failure as found:
        return "invariant_broken" in str(found)
    return False


def black_box(folder, text):
    """The black-box tests and the hunt."""
    log_file = os.path.join(folder, "log")
    with open(log_file, "w", encoding="utf-8") as f:
        f.write(text)
    context = broker.Context.__new__(broker.Context)
    context.brokers = [SimpleNamespace(name="a", process=None, log_file=log_file)]
    return noticed(Failed, context.expect_no_crash)


def failover(folder, text):
    """The failover tests and the soak."""
    testbed.LAB = folder
    os.makedirs(os.path.join(folder, "b"))
    with open(os.path.join(folder, "b", "broker.log"), "w", encoding="utf-8") as f:
        f.write(text)
    return noticed(Failed, testbed.Bed.__new__(testbed.Bed).expect_no_crash)


def main():
    program = subprocess.run([sys.argv[1]], stderr=subprocess.PIPE, text=True, check=False)
    if program.returncode >= 0:
        sys.exit("a broken invariant did not end the process")
    blind = []
    for bed in (black_box, failover):
        for text, expected in ((program.stderr, True), ("level=info event=started\n", False)):
            with tempfile.TemporaryDirectory() as folder:
                if bed(folder, text) != expected:
                    blind.append(f"{bed.__doc__} {'miss' if expected else 'invent'} a broken invariant")
    sys.exit("\n".join(blind) if blind else 0)


if __name__ == "__main__":
    main()
