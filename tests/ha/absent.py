#!/usr/bin/python3
"""An absent subscriber and what is acknowledged for it: the strictest witness of a loss, since every
message must be in the journal of whoever serves when it returns. Run in the client's namespace.

absent.py HOST subscribe              a persistent session subscribes and goes
absent.py HOST publish COUNT SECONDS  QoS 1; prints {"acknowledged": [numbers]}
absent.py HOST collect SECONDS        the session returns; prints {"received": [numbers]}
"""
import json
import sys
import time

import paho.mqtt.client as mqtt

TOPIC = "absent/numbers"


def connected(host, name, clean, until, **handlers):
    """A client whose connection was accepted, or SystemExit."""
    client = mqtt.Client(name, clean_session=clean)
    client.reconnect_delay_set(0.05, 0.05)
    client.max_inflight_messages_set(1000)
    for event, handler in handlers.items():
        setattr(client, event, handler)
    while time.monotonic() < until:
        try:
            client.connect(host, 1883, keepalive=10)
            client.loop_start()
            break
        except OSError:
            time.sleep(0.05)
    else:
        sys.exit("absent: nobody accepts connections")
    return client


def subscribe(host):
    done = []
    client = connected(host, "absent", False, time.monotonic() + 10,
                       on_connect=lambda c, *_: c.subscribe(TOPIC, 1),
                       on_subscribe=lambda *_: done.append(True))
    end = time.monotonic() + 10
    while not done and time.monotonic() < end:
        time.sleep(0.01)
    client.disconnect()
    return {"subscribed": bool(done)}


def publish(host, count, seconds):
    until = time.monotonic() + seconds
    acknowledged, numbers = set(), {}
    client = connected(host, "absent-publisher", True, until,
                       on_publish=lambda c, u, mid: acknowledged.add(mid))
    for number in range(count):
        numbers[client.publish(TOPIC, str(number), 1).mid] = number
    while len(acknowledged) < count and time.monotonic() < until:
        time.sleep(0.005)
    return {"acknowledged": sorted(numbers[mid] for mid in list(acknowledged))}


def collect(host, seconds):
    """Until nothing has come for a second."""
    received, last = [], [time.monotonic()]

    def got(_client, _data, message):
        received.append(int(message.payload))
        last[0] = time.monotonic()
    until = time.monotonic() + seconds
    client = connected(host, "absent", False, until, on_message=got)
    last[0] = time.monotonic()
    while time.monotonic() < min(until, last[0] + 1):
        time.sleep(0.02)
    client.disconnect()
    return {"received": sorted(received)}


def main():
    host, what = sys.argv[1:3]
    calls = {"subscribe": subscribe, "publish": publish, "collect": collect}
    print(json.dumps(calls[what](host, *map(int, sys.argv[3:]))))


if __name__ == "__main__":
    main()
