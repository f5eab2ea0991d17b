// A Socket.IO server that answers every request with an event of the same content:
// socketio.js PORT PACKAGE ANSWER
'use strict';
const [port, name, text] = process.argv.slice(2);
const answer = JSON.parse(text);
const server = require('http').createServer();
const module_ = require(name);
const io = module_.Server ? new module_.Server(server) : module_(server);
io.on('connection', socket => socket.on('kuzzle', request => socket.emit(request.requestId, answer)));
server.listen(Number(port), 'localhost');
