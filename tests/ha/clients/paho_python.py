"""paho for Python by TLS through a failover: paho_python.py HOST PORT SECONDS AUTHORITY. Prints what
mqtt_js.js does. Answers requests of mosquitto_rr on real/rr/request beside it."""
import json
import sys
import time

import paho.mqtt.client as paho


def main():
    host, port, seconds, authority = sys.argv[1:]
    result = {"acknowledged": {1: [], 2: []}, "received": {1: [], 2: []}, "resumed": 0, "connects": 0}
    sent = {}  # message identifier → (QoS, number)
    early = set()  # acknowledged before publish() has told its identifier
    client = paho.Client("python", clean_session=False, protocol=paho.MQTTv311)

    def on_connect(_client, _data, flags, _code):
        result["connects"] += 1
        result["resumed"] += flags["session present"]

    def on_message(_client, _data, message):
        if message.topic == "real/rr/request":
            client.publish("real/rr/response", message.payload, 1)
        else:
            result["received"][int(message.topic[-1])].append(int(message.payload))

    def on_publish(_client, _data, mid):
        if mid in sent:
            qos, number = sent.pop(mid)
            result["acknowledged"][qos].append(number)
        else:
            early.add(mid)
    client.on_connect, client.on_message, client.on_publish = on_connect, on_message, on_publish
    client.tls_set(authority)
    client.reconnect_delay_set(1, 1)
    client.connect(host, int(port), keepalive=2)
    client.subscribe([("real/python/#", 2), ("real/rr/request", 1)])
    client.loop_start()
    end, number = time.monotonic() + float(seconds), 0
    while time.monotonic() < end:
        for qos in (1, 2):
            mid = client.publish(f"real/python/{qos}", str(number), qos).mid
            sent[mid] = (qos, number)
            if mid in early:
                early.discard(mid)
                on_publish(client, None, mid)
            number += 1
        time.sleep(0.02)
    end = time.monotonic() + 15
    while time.monotonic() < end and (sent or sum(map(len, result["received"].values())) < number):
        time.sleep(0.05)
    time.sleep(2)  # for what should not come, and for the last request
    client.loop_stop()
    print(json.dumps(result))


main()
