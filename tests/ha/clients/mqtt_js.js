// MQTT.js through a failover, in Node and in a page: publishes numbered messages at QoS 1 and 2 to itself
// and calls `done` with what was acknowledged, what came, and how often its session was resumed.
function throughFailover(mqtt, url, id, seconds, options, done) {
  const result = {acknowledged: {1: [], 2: []}, received: {1: [], 2: []}, resumed: 0, connects: 0};
  const client = mqtt.connect(url, {
    clientId: id, protocolVersion: 4, clean: false, reconnectPeriod: 100, connectTimeout: 3000,
    keepalive: 2, ...options});
  let number = 0;
  const send = () => {
    for (const qos of [1, 2]) {
      const n = number++;
      client.publish(`real/${id}/${qos}`, String(n), {qos}, (error) => {
        if (!error) result.acknowledged[qos].push(n);
      });
    }
  };
  const finish = () => {
    const all = result.acknowledged[1].length + result.acknowledged[2].length === number;
    const came = result.received[1].length + result.received[2].length >= number;
    if (all && came || Date.now() > deadline) {
      clearInterval(ending);
      setTimeout(() => client.end(true, () => done(result)), 500);  // for what should not come
    }
  };
  let ending, deadline, begun = false;
  client.on('message', (topic, payload) => result.received[topic.slice(-1)].push(Number(payload)));
  client.on('connect', (connack) => {
    ++result.connects;
    result.resumed += connack.sessionPresent ? 1 : 0;
    if (begun) return;
    begun = true;
    client.subscribe(`real/${id}/#`, {qos: 2}, () => {
      const sending = setInterval(send, 20);
      setTimeout(() => {
        clearInterval(sending);
        deadline = Date.now() + 15000;
        ending = setInterval(finish, 50);
      }, seconds * 1000);
    });
  });
  client.on('error', (error) => console.error(error.message));
}

if (typeof module !== 'undefined' && require.main === module) {
  const [modules, url, seconds, authority] = process.argv.slice(2);
  const ca = require('fs').readFileSync(authority);
  throughFailover(require(modules + '/mqtt'), url, 'node', Number(seconds), {ca}, (result) => {
    console.log(JSON.stringify(result));
    process.exit(0);
  });
}
