// A WebSocket server that sends what comes on /publish to all other clients: websocket_fanout.js PORT
'use strict';
const {WebSocketServer} = require('ws');
const subscribers = new Set();
new WebSocketServer({port: Number(process.argv[2]), host: 'localhost', perMessageDeflate: false})
  .on('connection', (socket, request) => {
    if (request.url !== '/publish') {
      subscribers.add(socket);
      socket.on('close', () => subscribers.delete(socket));
      return;
    }
    socket.on('message', data => {
      for (const subscriber of subscribers) subscriber.send(data, {binary: false});
      socket.send('{"published":true}');
    });
  });
