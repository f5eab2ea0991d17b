// A Socket.IO client led by its standard input: talk_socketio.js PACKAGE PORT [TRANSPORTS].
// Prints "ready"; then every line read is a request; prints {"answer": envelope} and, for the channels it
// subscribed to, {"notification": content}. TRANSPORTS as in "polling,websocket".
'use strict';
const readline = require('readline');
const [name, port, transports] = process.argv.slice(2);
const io = require(name);
const socket = (io.io || io)(`http://localhost:${port}`, transports ? {transports: transports.split(',')} : {});

function say(value) {
  process.stdout.write(`${JSON.stringify(value)}\n`);
}

function ask(request) {
  socket.once(request.requestId, answer => {
    if (request.action === 'subscribe' && answer.result && !socket.hasListeners(answer.result.channel)) {
      socket.on(answer.result.channel, notification => say({notification}));
    }
    say({answer});
  });
  socket.emit('kuzzle', request);
}

socket.once('connect', () => {
  say('ready');
  readline.createInterface({input: process.stdin}).on('line', line => ask(JSON.parse(line))).on('close', () => socket.close());
});
