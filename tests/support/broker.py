"""tandemqd as a process under test: its configuration, life, control socket, log and data."""
import json
import os
import shutil
import signal
import subprocess
import time

from support import control
from support.crash import crash_line
from support.expect import Failed, expect, free_port, wait_until


class Broker:
    """One tandemqd with a folder of its own. Settings are {"section.key": value}."""

    def __init__(self, context, name, settings):
        self.context, self.name = context, name
        self.prefix = context.prefix  # folder of the program
        self.folder = os.path.join(context.folder, name)
        self.data = os.path.join(self.folder, "data")
        self.port = free_port()
        self.log_file = os.path.join(self.folder, "log")
        self.socket_file = os.path.join(self.folder, "control")
        self.config_file = os.path.join(self.folder, "tandemqd.toml")
        self.process = None
        self.more_listeners = []  # dicts of keys, beside the one in the settings
        os.makedirs(self.folder)
        self.settings = {
            "node.name": "a", "node.index": 1, "node.data_dir": self.data,
            "node.control_socket": self.socket_file, "listener.address": "127.0.0.1",
            "listener.port": self.port, "replication.mode": "single",
            "journal.segment_bytes": 4 << 20, "checkpoint.interval_s": 3600, "metrics.listen": "",
            "log.level": "info"}
        self.settings.update(settings)

    def write_config(self):
        sections = {}
        for key, value in self.settings.items():
            section, name = key.split(".")
            sections.setdefault(section, []).append(f"{name} = {json.dumps(value)}")
        with open(self.config_file, "w", encoding="utf-8") as file:
            for section, lines in sections.items():
                several = section == "listener" and self.more_listeners
                head = "[[listener]]" if several else f"[{section}]"
                file.write(head + "\n" + "\n".join(lines) + "\n")
            for listener in self.more_listeners:
                file.write("[[listener]]\n" + "".join(
                    f"{name} = {json.dumps(value)}\n" for name, value in listener.items()))

    def launch(self, env=None, wrapper=()):
        """Starts the process without waiting for anything."""
        self.write_config()
        with open(self.log_file, "a", encoding="utf-8") as log:
            self.process = subprocess.Popen(
                [*wrapper, os.path.join(self.prefix, "tandemqd"), "-c", self.config_file],
                stdout=log, stderr=log, env={**os.environ, **(env or {})})
        return self

    def start(self, env=None, seconds=30, listening=True, wrapper=()):
        """Starts it and waits until it serves (listening=False: until it answers)."""
        self.launch(env, wrapper)

        def ready():
            expect(self.process.poll() is None,
                   f"tandemqd ended with {self.process.returncode}: {self.log_tail()}")
            try:
                status = self.status()
            except (OSError, ValueError):
                return None
            return status if status["listening"] or not listening else None
        self.started_status = wait_until(ready, "the broker serves", seconds)
        return self

    def exit_code(self, seconds=20):
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise Failed(f"tandemqd has not ended: {self.log_tail()}") from None

    def kill(self):
        """kill -9."""
        self.process.kill()
        self.process.wait()

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        code = self.exit_code()
        expect(code == 0, f"an orderly stop ended with {code}: {self.log_tail()}")

    def control(self, command, **arguments):
        """The answer to a control command; Failed when it was refused."""
        answer = control.ask(self.socket_file, command, 30, **arguments)
        expect(answer["ok"], f"{command} was refused: {answer.get('error')}")
        return answer

    def answers(self):
        """Whether there is a control socket, also of a broker that still recovers."""
        try:
            return self.control("ping")["ok"]
        except OSError:
            return False

    def status(self):
        answer = self.control("status")
        return answer.get("status", answer)

    def checkpoint(self):
        return self.control("checkpoint")["lsn"]

    def log(self):
        with open(self.log_file, encoding="utf-8", errors="replace") as file:
            return file.read()

    def tells(self, text, seconds=5):
        """Whether the log says so by then: lines are written by a thread of their own."""
        end = time.monotonic() + seconds
        while text not in self.log():
            if time.monotonic() > end:
                return False
            time.sleep(0.02)
        return True

    def log_tail(self):
        return self.log()[-600:].strip()

    def journal_files(self):
        folder = os.path.join(self.data, "journal")
        return sorted(os.path.join(folder, f) for f in os.listdir(folder) if f.endswith(".seg"))

    def keep_data(self, name="kept"):
        """A copy of the data folder, for restore_data."""
        kept = os.path.join(self.folder, name)
        shutil.rmtree(kept, ignore_errors=True)
        shutil.copytree(self.data, kept)

    def restore_data(self, name="kept"):
        shutil.rmtree(self.data, ignore_errors=True)
        shutil.copytree(os.path.join(self.folder, name), self.data)


class Context:
    """What a test gets: a folder, the programs, a random generator, brokers that end with it."""

    def __init__(self, folder, prefix, random):
        self.folder, self.prefix, self.random = folder, prefix, random
        self.brokers, self.cleanups = [], []

    def broker(self, name="a", **settings):
        """Settings as keywords: journal_segment_bytes is journal.segment_bytes."""
        broker = Broker(self, name, {k.replace("_", ".", 1): v for k, v in settings.items()})
        self.brokers.append(broker)
        return broker

    def program(self, name, *arguments, **options):
        return subprocess.Popen([os.path.join(self.prefix, name), *arguments], **options)

    def expect_no_crash(self):
        for broker in self.brokers:
            code = broker.process.poll() if broker.process else None
            if code is not None and code < 0 and code != -signal.SIGKILL:
                raise Failed(f"{broker.name} died of signal {-code}: {broker.log_tail()}")
            if os.path.exists(broker.log_file):
                found = crash_line(broker.log_file)
                expect(not found, f"{broker.log_file} says {found}")

    def close(self):
        for broker in self.brokers:
            if broker.process and broker.process.poll() is None:
                broker.kill()
        for cleanup in self.cleanups:
            cleanup()
