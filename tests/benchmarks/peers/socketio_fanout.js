// A Socket.IO server that sends what it is given by the event `publish` to a room: socketio_fanout.js PORT PACKAGE CHANNEL
'use strict';
const [port, name, channel] = process.argv.slice(2);
const server = require('http').createServer();
const module_ = require(name);
const io = module_.Server ? new module_.Server(server) : module_(server);
io.on('connection', socket => {
  socket.on('subscribe', () => socket.join(channel, () => socket.emit('subscribed')));
  socket.on('publish', content => {
    io.to(channel).emit(channel, content);
    socket.emit('published');
  });
});
server.listen(Number(port), 'localhost');
