// Subscriptions through the SDK over WebSocket: sdk_realtime.js PORT; prints one object, a member per step.
// The index `library` with the collection `books` must exist.
'use strict';
const {connected, run, say} = require('./sdk');

function short({scope, action, result, protocol, type, user, volatile}) {
  return type === 'user' ? {user, count: result.count, volatile} : {action, scope, protocol, id: result._id, source: result._source};
}

run(async () => {
  const port = process.argv[2];
  const reader = await connected('websocket', port);
  const writer = await connected('websocket', port);
  const other = await connected('websocket', port);
  const heard = {modern: [], users: [], own: []};
  const seen = {};
  const listen = list => notification => heard[list].push(short(notification));
  const modern = {range: {year: {gte: 1900}}};

  const room = await reader.realtime.subscribe('library', 'books', modern, listen('modern'));
  await reader.realtime.subscribe('library', 'books', {equals: {title: 'x'}}, listen('users'), {scope: 'none', users: 'all'});
  await writer.realtime.subscribe('library', 'books', {}, listen('own'), {subscribeToSelf: false});
  seen.count = await reader.realtime.count(room);
  const guest = await other.realtime.subscribe(
    'library', 'books', {equals: {title: 'x'}}, () => {}, {volatile: {name: 'guest'}}
  );
  await other.realtime.unsubscribe(guest);

  const {document, realtime} = writer;
  await document.create('library', 'books', {year: 1899}, 'old');
  await document.create('library', 'books', {year: 1900}, 'new');
  await document.update('library', 'books', 'new', {title: 'Updated'});
  await document.replace('library', 'books', 'new', {year: 1800});
  await document.update('library', 'books', 'old', {year: 1950});
  await document.delete('library', 'books', 'old');
  await realtime.publish('library', 'books', {year: 2000});
  seen.rooms = (await reader.query({controller: 'realtime', action: 'list'})).result;
  await reader.server.now(); // what was sent before this answer has arrived
  await reader.realtime.unsubscribe(room);
  await document.create('library', 'books', {year: 2001}, 'unheard');
  await reader.server.now();
  await writer.server.now();
  say({...seen, ...heard});
  for (const kuzzle of [reader, writer, other]) {
    kuzzle.disconnect();
  }
});
