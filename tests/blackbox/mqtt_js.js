// What an MQTT.js client sees of a broker: `node mqtt_js.js MODULES PORT`. Ends with 0 when all is as it
// should be; the first thing that is not ends it with a sentence.
const mqtt = require(process.argv[2] + '/mqtt');
const url = `mqtt://127.0.0.1:${process.argv[3]}`;

function expect(condition, text) {
  if (!condition) throw new Error(text);
}

async function client(id, version, options = {}) {
  const one = await mqtt.connectAsync(url, {
    clientId: id, protocolVersion: version, clean: true, reconnectPeriod: 0, ...options});
  one.got = [];
  one.on('message', (topic, payload, packet) => one.got.push(packet));
  return one;
}

async function until(condition, text) {
  for (let i = 0; i < 500; i++) {
    if (condition()) return;
    await new Promise((done) => setTimeout(done, 10));
  }
  throw new Error(`not within 5 s: ${text}`);
}

const texts = (one) => one.got.map((packet) => packet.payload.toString());

async function everyQos(version) {
  const reader = await client('reader', version);
  const writer = await client('writer', version);
  const [granted] = await reader.subscribeAsync('a/+', {qos: 2});
  expect(granted.qos === 2, `QoS ${granted.qos} was granted`);
  const all = [];
  for (let n = 0; n < 300; n++) all.push(writer.publishAsync('a/x', String(n), {qos: n % 3}));
  await Promise.all(all);
  await until(() => reader.got.length >= 300, '300 messages');
  expect(reader.got.length === 300, `${reader.got.length} messages came`);
  for (const qos of [0, 1, 2]) {
    const numbers = texts(reader).map(Number).filter((n) => n % 3 === qos);
    expect(numbers.every((n, i) => n === 3 * i + qos), `the order at QoS ${qos}`);
  }
  await Promise.all([reader.endAsync(), writer.endAsync()]);
}

async function keptSession(version) {
  const options = {clean: false, properties: version === 5 ? {sessionExpiryInterval: 60} : undefined};
  const first = await client('kept', version, options);
  await first.subscribeAsync('kept', {qos: 1});
  await first.endAsync();
  const writer = await client('writer', version);
  for (let n = 0; n < 20; n++) await writer.publishAsync('kept', String(n), {qos: 1});
  const got = [];
  const back = mqtt.connect(url, {clientId: 'kept', protocolVersion: version, reconnectPeriod: 0,
                                  ...options});
  back.on('message', (topic, payload) => got.push(Number(payload)));
  await until(() => got.length === 20, 'what waited');
  expect(got.every((n, i) => n === i), `the order: ${got}`);
  await Promise.all([back.endAsync(), writer.endAsync()]);
  await (await client('kept', version)).endAsync();
}

async function willAndRetained(version) {
  const will = {topic: 'will', payload: Buffer.from('gone'), qos: 1, retain: true};
  const mortal = await client('mortal', version, {will});
  const watcher = await client('watcher', version);
  await watcher.subscribeAsync('will', {qos: 1});
  mortal.stream.destroy();
  await until(() => watcher.got.length === 1, 'the will');
  expect(!watcher.got[0].retain, 'RETAIN to a subscriber that was there');
  const late = await client('late', version);
  await late.subscribeAsync('will', {qos: 1});
  await until(() => late.got.length === 1 && late.got[0].retain, 'the retained will');
  await late.publishAsync('will', '', {qos: 1, retain: true});
  await Promise.all([watcher.endAsync(), late.endAsync()]);
}

async function onlyFive() {
  const one = await client('five', 5, {autoUseTopicAlias: true, autoAssignTopicAlias: true,
                                       properties: {topicAliasMaximum: 10, receiveMaximum: 3}});
  await one.subscribeAsync('p/#', {qos: 1, nl: false, properties: {subscriptionIdentifier: 7}});
  const properties = {userProperties: {k: ['1', '2']}, responseTopic: 'r', contentType: 'text',
                      correlationData: Buffer.from([0, 255]), messageExpiryInterval: 100,
                      payloadFormatIndicator: true};
  for (let n = 0; n < 10; n++) await one.publishAsync('p/long/topic', String(n), {qos: 1, properties});
  await until(() => one.got.length === 10, 'ten messages, three at a time');
  const seen = one.got[9].properties;
  expect(one.got[9].topic === 'p/long/topic', `the topic: ${one.got[9].topic}`);
  expect(JSON.stringify(seen.userProperties.k) === '["1","2"]', 'user properties');
  expect(seen.responseTopic === 'r' && seen.contentType === 'text', 'response topic, content type');
  expect(seen.subscriptionIdentifier === 7, `identifier ${seen.subscriptionIdentifier}`);
  expect(seen.messageExpiryInterval > 97 && seen.messageExpiryInterval <= 100, 'the expiry');
  let ended;
  one.on('disconnect', (packet) => { ended = packet.reasonCode; });
  const other = await client('five', 5);
  await until(() => ended === 0x8e, 'DISCONNECT 0x8E to the older connection');
  await other.endAsync();
}

// It does not keep to the receive maximum: the default one must not stand in the way.
async function burst(version) {
  const properties = version === 5 ? {sessionExpiryInterval: 9} : undefined;
  const kept = await client('burst', version, {properties, clean: version === 5});
  await kept.subscribeAsync('burst', {qos: 2});
  const writer = await client('writer', version);
  let ending;
  const ended = new Promise((done, fail) => { ending = () => fail(new Error('the writer was sent away')); });
  writer.on('close', ending);
  for (const qos of [1, 2]) {
    const all = [];
    for (let n = 0; n < 5000; n++) all.push(writer.publishAsync('burst', 'x', {qos}));
    await Promise.race([Promise.all(all), ended]);
  }
  writer.off('close', ending);
  await Promise.all([kept.endAsync(), writer.endAsync()]);
}

async function main() {
  for (const version of [4, 5]) {
    await everyQos(version);
    await keptSession(version);
    await willAndRetained(version);
    await burst(version);
  }
  await onlyFive();
}

main().then(() => process.exit(0), (error) => {
  console.log(error.message);
  process.exit(1);
});
