"""Standard clients as their users have them. [3:7.0.0-2] holds for all of them."""
import os
import subprocess

from support.expect import Skipped, expect, wait_until

HERE = os.path.dirname(os.path.abspath(__file__))
VERSIONS = ("mqttv31", "mqttv311", "5")


def pub(broker, *arguments, version="mqttv311"):
    subprocess.run(["mosquitto_pub", "-p", str(broker.port), "-V", version, *arguments], check=True,
                   timeout=20)


def sub(broker, *arguments, version="mqttv311"):
    return subprocess.Popen(["mosquitto_sub", "-p", str(broker.port), "-V", version, "-W", "10",
                             *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def output(process):
    out, error = process.communicate(timeout=20)
    return out + error


def test_mosquitto_retained(ctx):
    """[3:7.0.0-2]"""
    broker = ctx.broker().start()
    for version in VERSIONS:
        for qos in "012":
            pub(broker, "-t", f"r/{qos}", "-m", f"kept {qos}", "-q", qos, "-r", version=version)
        got = output(sub(broker, "-t", "r/#", "-q", "2", "-C", "3", "-F", "%r %t %p", version=version))
        expect(sorted(got.splitlines()) == [f"1 r/{q} kept {q}" for q in "012"], f"{version}: {got}")
        for qos in "012":
            pub(broker, "-t", f"r/{qos}", "-n", "-r", version=version)
        wait_until(lambda: broker.status()["retained"] == kept_by_broker(broker), "all are cleared")


def kept_by_broker(broker):
    """Retained messages of the broker's own."""
    return len(output(sub(broker, "-t", "$SYS/#", "-W", "1", "-F", "%t")).split("$SYS")) - 1


def test_mosquitto_persistent(ctx):
    """[3:7.0.0-2] mosquitto_sub -c: what was published meanwhile comes, once and in the order of its
    QoS (QoS 2 is printed when PUBREL has come)."""
    broker = ctx.broker().start()
    for version, name in (("mqttv31", "c3"), ("mqttv311", "c4"), ("5", "c5")):
        keep = ("-i", name, "-c", "-q", "2", "-t", f"p/{name}")
        keep += ("-x", "600") if version == "5" else ()
        output(sub(broker, *keep, "-E", version=version))
        for n in range(10):
            pub(broker, "-t", f"p/{name}", "-m", str(n), "-q", str(1 + n % 2), version=version)
        got = output(sub(broker, *keep, "-C", "10", version=version))
        got = sorted(got.split(), key=lambda n: int(n) % 2)
        expect(got == [*"0246813579"], f"{version} got {got}")
    wait_until(lambda: broker.status()["queued"] == 0, "nothing is left")


def test_mosquitto_will(ctx):
    """[3:7.0.0-2]"""
    broker = ctx.broker().start()
    for version in VERSIONS:
        watcher = sub(broker, "-t", "w", "-C", "1", version=version)
        mortal = sub(broker, "-t", "x", "--will-topic", "w", "--will-payload", f"gone {version}",
                     "--will-qos", "1", version=version)
        wait_until(lambda: broker.status()["subscriptions"] == 2, "both have subscribed")
        mortal.kill()
        mortal.communicate()
        got = output(watcher)
        expect(got == f"gone {version}\n", f"{version} got {got}")
        wait_until(lambda: broker.status()["sessions"] == 0, "both have gone")


def test_mosquitto_properties(ctx):
    """[3:7.0.0-2] mosquitto_pub -D, options of the subscription, a burst of 3000 messages."""
    broker = ctx.broker().start()
    form = "%p|%C|%D|%F|%P|%R|%S"
    reader = sub(broker, "-t", "a", "-q", "1", "-C", "1", "-F", form, "-D", "subscribe",
                 "subscription-identifier", "5", version="5")
    wait_until(lambda: broker.status()["subscriptions"] == 1, "subscribed")
    pub(broker, "-t", "a", "-m", "x", "-q", "1", "-D", "publish", "content-type", "text",
        "-D", "publish", "correlation-data", "corr", "-D", "publish", "payload-format-indicator", "1",
        "-D", "publish", "response-topic", "reply", "-D", "publish", "user-property", "k", "v",
        version="5")
    got = output(reader)
    expect(got == "x|text|corr|1|k:v|reply|5\n", f"got {got}")
    lines = "".join(f"{n}\n" for n in range(3000))
    for version in ("mqttv311", "5"):
        for qos in "12":
            reader = sub(broker, "-t", "many", "-q", qos, "-C", "3000", version=version)
            wait_until(lambda: broker.status()["subscriptions"] == 1, "subscribed")
            subprocess.run(["mosquitto_pub", "-p", str(broker.port), "-V", version, "-t", "many",
                            "-q", qos, "-l"], input=lines, text=True, check=True, timeout=30)
            expect(output(reader) == lines, f"{version} at QoS {qos}")
            wait_until(lambda: broker.status()["subscriptions"] == 0, "gone")


def test_paho_5(ctx):
    """[3:7.0.0-2] A burst, 0x8E at a take-over, and the will of the session that ends by it."""
    try:
        import paho.mqtt.client as paho
        from paho.mqtt.properties import PacketTypes, Properties
    except ImportError:
        raise Skipped("python3-paho-mqtt is not installed") from None
    broker = ctx.broker().start()

    def connect(name, **options):
        client = paho.Client(client_id=name, protocol=paho.MQTTv5)
        client.got, client.ends = [], []
        client.on_message = lambda c, _u, message: c.got.append(message.payload.decode())
        client.on_disconnect = lambda c, _u, reason, _p: c.ends.append(str(reason))
        if "will" in options:
            client.will_set("will", options["will"], 1, False, options["properties"])
        client.connect("127.0.0.1", broker.port, clean_start=True)
        client.loop_start()
        ctx.cleanups.append(client.loop_stop)
        wait_until(client.is_connected, f"{name} is connected")
        return client
    watcher = connect("watcher")
    watcher.subscribe([("a", 2), ("will", 1)])
    wait_until(lambda: broker.status()["subscriptions"] == 2, "subscribed")
    writer = connect("writer")
    for n in range(2000):
        writer.publish("a", str(n), 1 + n % 2)
    wait_until(lambda: len(watcher.got) == 2000, "2000 messages")
    expect(not writer.ends, f"the writer was sent away with {writer.ends}")
    properties = Properties(PacketTypes.WILLMESSAGE)
    properties.WillDelayInterval = 60
    mortal = connect("mortal", will="gone", properties=properties)
    newer = connect("mortal")
    wait_until(lambda: mortal.ends, "the older connection ends")
    expect(mortal.ends[0] == "Session taken over", f"it ended with {mortal.ends}")
    mortal.loop_stop()
    newer.disconnect()
    wait_until(lambda: watcher.got[2000:] == ["gone"], "the will")


def test_mqtt_js(ctx):
    """[3:7.0.0-2] Needs npm and a registry; the package is kept in build/mqtt_js."""
    folder = os.path.join(os.path.dirname(os.path.dirname(HERE)), "build", "mqtt_js")
    modules = os.path.join(folder, "node_modules")
    os.makedirs(folder, exist_ok=True)
    try:
        if not os.path.isdir(os.path.join(modules, "mqtt")):
            subprocess.run(["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts",
                            "--fetch-retries=0", "mqtt@5"],
                           cwd=folder, check=True, timeout=90, capture_output=True)
    except (OSError, subprocess.SubprocessError):
        raise Skipped("npm install mqtt did not work here") from None
    broker = ctx.broker().start()
    done = subprocess.run(["node", os.path.join(HERE, "mqtt_js.js"), modules, str(broker.port)],
                          capture_output=True, text=True, timeout=60, check=False)
    expect(done.returncode == 0, done.stdout + done.stderr)
