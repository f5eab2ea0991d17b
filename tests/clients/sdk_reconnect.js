// A subscription that outlives the server, over WebSocket: sdk_reconnect.js PORT.
// Prints "subscribed", "lost" and "back" as they come, then a notification's document id.
'use strict';
const {connected, run, say} = require('./sdk');

run(async () => {
  const kuzzle = await connected('websocket', process.argv[2], {reconnectionDelay: 100, autoResubscribe: true});
  kuzzle.on('disconnected', () => say('lost'));
  kuzzle.on('reconnected', () => kuzzle.server.now().then(() => say('back')));
  await kuzzle.realtime.subscribe('library', 'books', {}, notification => {
    say(notification.result._id);
    kuzzle.disconnect();
  });
  say('subscribed');
});
