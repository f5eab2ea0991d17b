// An MQTT client led by its standard input: talk_mqtt.js PORT.
// Prints "ready"; then every line read is a request; prints {"answer": envelope} and, for the channels it
// subscribed to, {"notification": content}. The answer to a subscription is printed once its channel is followed.
'use strict';
const readline = require('readline');
const mqtt = require('mqtt');
const client = mqtt.connect(`mqtt://localhost:${process.argv[2]}`, {reconnectPeriod: 0});

function say(value) {
  process.stdout.write(`${JSON.stringify(value)}\n`);
}

client.on('error', error => {
  throw error;
});
client.on('message', (topic, payload) => {
  const message = JSON.parse(payload);
  if (topic !== 'Kuzzle/response') {
    say({notification: message});
  } else if (message.action === 'subscribe' && message.result) {
    client.subscribe(message.result.channel, error => say(error ? {error: error.message} : {answer: message}));
  } else {
    say({answer: message});
  }
});
client.once('connect', () => {
  say('ready');
  readline.createInterface({input: process.stdin})
    .on('line', line => client.publish('Kuzzle/request', line))
    .on('close', () => client.end());
});
