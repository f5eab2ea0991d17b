// mqtt.js against the server: node mqtt_client.js <port> <protocol version 3, 4 or 5>
// Subscribes to `news` at QoS 2, publishes there at every QoS, asks one request, and prints what it heard.
'use strict';

const mqtt = require('mqtt');

const [port, version] = process.argv.slice(2).map(Number);
const client = mqtt.connect({
  host: 'localhost',
  port,
  protocolVersion: version,
  protocolId: version === 3 ? 'MQIsdp' : 'MQTT',
  clientId: 'js',
  reconnectPeriod: 0,
});
const heard = [];

client.on('error', (error) => {
  throw error;
});
client.on('message', (topic, payload, packet) => {
  heard.push([topic, packet.qos, payload.toString()]);
  if (heard.length === 4) {
    console.log(JSON.stringify(heard));
    client.end();
  }
});
client.on('connect', () => {
  client.subscribe({ news: { qos: 2 } }, (error) => {
    if (error) throw error;
    for (const qos of [0, 1, 2]) client.publish('news', `at ${qos}`, { qos });
    client.publish('Kuzzle/request', '{"requestId":"one"}', { qos: 2 });
  });
});
