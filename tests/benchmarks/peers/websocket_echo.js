// A WebSocket server that sends back what it gets: websocket_echo.js PORT
'use strict';
const {WebSocketServer} = require('ws');
new WebSocketServer({port: Number(process.argv[2]), host: 'localhost', perMessageDeflate: false})
  .on('connection', socket => socket.on('message', (data, isBinary) => socket.send(data, {binary: isBinary})));
