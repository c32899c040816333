"""What is measured: each a call of tandemq-bench and the figures that are read from its result."""
from collections import namedtuple

# command: arguments of tandemq-bench; rate, cpu, latency: keys of its JSON ("a/b" goes deeper, None:
# not measured); asked: what the project demands of TandeMQ beside mosquitto, per broker, as
# (least ratio of throughput, largest ratio of CPU per message), None where nothing is demanded.
Work = namedtuple("Work", "name title command rate cpu latency asked")

CPU = "broker_cpu_us_per_message"
SIXTEEN = ["--pubs", "16", "--subs", "16"]


def traffic(name, title, command, asked, latency=None):
    return Work(name, title, command, "received_per_s", CPU, latency, asked)


def works(quick, authority):
    """`authority`: the file that clients trust by TLS."""
    by_tls = ["--tls-ca", authority]
    seconds = ["--seconds", "1" if quick else "4"]
    scale = 10 if quick else 1
    single = (10, 0.1)
    pair = (3, None)
    timed = {"single": single, "pair": pair}
    return [
        traffic("qos0-1", "QoS 0, 1 to 1", ["pubsub", "--qos", "0", *seconds], {"single": single}),
        traffic("qos0-16", "QoS 0, 16 to 16", ["pubsub", "--qos", "0", *SIXTEEN, *seconds],
                {"single": single}),
        traffic("qos1", "QoS 1, 16 to 16, window 64",
                ["pubsub", "--qos", "1", "--window", "64", *SIXTEEN, *seconds], timed),
        traffic("qos1-durable", "QoS 1, the same, persistent sessions",
                ["pubsub", "--qos", "1", "--window", "64", "--persistent", *SIXTEEN, *seconds],
                timed),
        traffic("qos2", "QoS 2, 16 to 16, window 64",
                ["pubsub", "--qos", "2", "--window", "64", *SIXTEEN, *seconds], {"single": single}),
        traffic("qos2-durable", "QoS 2, the same, persistent sessions",
                ["pubsub", "--qos", "2", "--window", "64", "--persistent", *SIXTEEN, *seconds],
                {"single": single}),
        traffic("qos0-tls", "QoS 0, 16 to 16, TLS",
                ["pubsub", "--qos", "0", *SIXTEEN, *seconds, *by_tls], {}),
        traffic("qos1-tls", "QoS 1, 16 to 16, window 64, TLS",
                ["pubsub", "--qos", "1", "--window", "64", *SIXTEEN, *seconds, *by_tls], {}),
        traffic("qos0-ws", "QoS 0, 16 to 16, WebSocket",
                ["pubsub", "--qos", "0", *SIXTEEN, *seconds, "--websocket"], {}),
        traffic("qos1-ws", "QoS 1, 16 to 16, window 64, WebSocket",
                ["pubsub", "--qos", "1", "--window", "64", *SIXTEEN, *seconds, "--websocket"], {}),
        traffic("qos1-wss", "QoS 1, the same, WebSocket by TLS",
                ["pubsub", "--qos", "1", "--window", "64", *SIXTEEN, *seconds, "--websocket",
                 *by_tls], {}),
        traffic("fanout", "fan-out 1 to 500, QoS 0", ["fanout", "--subs", "500", *seconds], {}),
        Work("retained", "retained messages to a new subscriber",
             ["offline", "--retained", "--messages", str(100000 // scale)], "received_per_s",
             "broker_cpu_us_per_message_out", None, {}),
        Work("drain", "queued QoS 1 messages drained",
             ["offline", "--messages", str(60000 // scale)], "received_per_s",
             "broker_cpu_us_per_message_out", None, {}),
        traffic("latency", "QoS 1 at 5,000/s, 10 pairs",
                ["pubsub", "--qos", "1", "--rate", "5000", "--pubs", "10", "--subs", "10",
                 *seconds], {}, latency="acknowledgement_us"),
        Work("idle", "idle connections, each", ["connect", "--count", str(5000 // scale)],
             "connections_per_s", "broker_cpu_us_per_connection", None, {}),
        Work("idle-tls", "idle connections by TLS, each",
             ["connect", "--count", str(5000 // scale), *by_tls],
             "connections_per_s", "broker_cpu_us_per_connection", None, {}),
    ]
