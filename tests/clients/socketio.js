// One socket.io-client against the server: node socketio.js <generation> <url> <transports, comma-separated>
// Answers, a large and a non-ASCII echo, a burst of requests, a notification; prints what it saw.
'use strict';

const [generation, url, transports] = process.argv.slice(2);
const io = require(`socket.io-client-${generation}`);
const socket = io(url, { transports: transports.split(','), reconnection: false, forceNew: true });
const text = 'é漢😀 "quoted" \n\u2028';
const large = `${'x'.repeat(50000)}é`;
const seen = {};
let serial = 0;

function ask(members) {
  const requestId = `request-${serial++}`;
  return new Promise((resolve) => {
    socket.once(requestId, resolve);
    socket.emit('kuzzle', { requestId, ...members });
  });
}
const now = (members) => ask({ controller: 'server', action: 'now', ...members });

async function talk() {
  const answer = await now({ volatile: { text } });
  seen.status = answer.status;
  seen.members = Object.keys(answer);
  seen.text = answer.volatile.text === text;
  seen.large = (await now({ volatile: { large } })).volatile.large === large;
  seen.burst = (await Promise.all(Array.from({ length: 40 }, now))).filter((each) => each.status === 200).length;
  socket.emit('kuzzle', null);
  socket.emit('kuzzle', '');
  socket.emit('other', { controller: 'server', action: 'now' });
  const target = { index: 'library', collection: 'books', controller: 'realtime' };
  const { channel } = (await ask({ ...target, action: 'subscribe', body: {} })).result;
  const notified = new Promise((resolve) => socket.once(channel, resolve));
  await ask({ ...target, action: 'publish', body: { from: 'server', text: 'é😀' } });
  const notification = await notified;
  seen.notification = [notification.protocol, notification.result._source.text, 'room' in notification];
  seen.fault = await ask({ controller: 7 });
  seen.transport = socket.io.engine.transport.name;
  console.log(JSON.stringify(seen));
  socket.close();
}

const fail = (error) => {
  console.error(error);
  process.exit(1);
};
socket.on('connect_error', fail);
socket.on('error', fail);
socket.on('connect', () => talk().catch(fail));
