"""A client beside a crowd: how long its own acknowledgements take, before its broker dies and while the
others come back."""
import statistics
import threading
import time

from support.wire import PUBACK, Client

PAUSE_S = 0.005


def quantiles(latencies_ms):
    """p50, p99 and the longest; zeros when there is none."""
    if len(latencies_ms) < 2:
        return [0, 0, 0]
    hundredths = statistics.quantiles(latencies_ms, n=100)
    return [hundredths[49], hundredths[98], max(latencies_ms)]


class Probe:
    """Publishes at QoS 1 by plain TCP every few milliseconds; goes to `port_after` when `port` is gone."""

    def __init__(self, port, port_after):
        self.ports = [port, port_after]
        self.went_s = None
        self.before, self.after = [], []  # (when, ms)
        self.stopping = False
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        self.publish(self.ports[0], self.before)
        self.went_s = time.monotonic()
        while not self.stopping:
            self.publish(self.ports[1], self.after)

    def publish(self, port, into):
        """Until its connection ends."""
        try:
            client = Client(port, "probe", clean=True)
            while not self.stopping:
                begun = time.monotonic()
                client.publish("probe", b"x", qos=1)
                client.receive(PUBACK)
                into.append((begun, (time.monotonic() - begun) * 1e3))
                time.sleep(PAUSE_S)
            client.disconnect()
        except (OSError, EOFError, AssertionError):
            time.sleep(PAUSE_S)

    def end(self, seconds):
        """[before, meanwhile], each as quantiles(); meanwhile is so long from the broker's death on."""
        self.stopping = True
        self.thread.join(15)
        end_s = (self.went_s or 0) + seconds
        return [quantiles([ms for _, ms in self.before]),
                quantiles([ms for at, ms in self.after if at < end_s])]
