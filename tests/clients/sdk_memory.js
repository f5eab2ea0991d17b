// The memory storage through the SDK: sdk_memory.js http|websocket PORT; prints one object, a member per step.
'use strict';
const {connected, rejection, run, say} = require('./sdk');

async function stringsAndKeys(ms, seen) {
  seen.set = await ms.set('greeting', 'hello', {ex: 100});
  seen.get = await ms.get('greeting');
  seen.absent = await ms.get('nothing');
  seen.append = await ms.append('greeting', ' world');
  seen.part = await ms.getrange('greeting', 0, 4);
  await ms.mset([{key: 'a', value: 1}, {key: 'b', value: '2'}]);
  seen.mget = await ms.mget(['a', 'b', 'nothing']);
  seen.incrby = await ms.incrby('a', 5);
  seen.incrbyfloat = await ms.incrbyfloat('a', 0.5);
  seen.exists = await ms.exists(['a', 'b', 'nothing']);
  seen.expire = await ms.expire('a', 100);
  seen.ttl = (await ms.ttl('a')) > 90;
  seen.persist = [await ms.persist('a'), await ms.persist('a')];
  seen.type = await ms.type('a');
  seen.scan = await ms.scan(0, {match: 'gr*', count: 100});
  seen.keys = (await ms.keys('*')).sort();
  seen.del = await ms.del(['a', 'b']);
  seen.bits = [await ms.bitcount('greeting'), await ms.getbit('greeting', 1), await ms.bitop('inverse', 'NOT', ['greeting'])];
  seen.ping = await ms.ping();
  seen.time = (await ms.time()).map(part => typeof part);
}

async function collections(ms, seen) {
  seen.rpush = await ms.rpush('list', ['a', 'b', 'c']);
  seen.lrange = await ms.lrange('list', 0, -1);
  seen.lindex = await ms.lindex('list', 1);
  seen.linsert = await ms.linsert('list', 'before', 'b', 'x');
  seen.sort = await ms.sort('list', {alpha: true, direction: 'DESC', limit: [0, 2]});
  seen.sadd = await ms.sadd('set', ['a', 'b']);
  await ms.sadd('other', ['b', 'c']);
  seen.sinter = await ms.sinter(['set', 'other']);
  seen.sdiff = await ms.sdiff('set', ['other']);
  seen.sismember = await ms.sismember('set', 'a');
  seen.hset = await ms.hset('hash', 'name', 'Emma');
  await ms.hmset('hash', [{field: 'age', value: 21}, {field: 'town', value: 'Highbury'}]);
  seen.hgetall = await ms.hgetall('hash');
  seen.hmget = await ms.hmget('hash', ['age', 'nothing']);
  seen.hincrby = await ms.hincrby('hash', 'age', 1);
}

async function ranks(ms, seen) {
  const elements = [{score: 1, member: 'a'}, {score: 2.5, member: 'b'}, {score: 3, member: 'c'}];
  seen.zadd = await ms.zadd('scores', elements);
  seen.zrange = await ms.zrange('scores', 0, 1);
  seen.zrangebyscore = await ms.zrangebyscore('scores', 2, '+inf', {limit: [0, 1]});
  seen.zrevrank = await ms.zrevrank('scores', 'a');
  seen.zscore = await ms.zscore('scores', 'b');
  seen.zincrby = await ms.zincrby('scores', 'a', 0.5);
  seen.zunionstore = await ms.zunionstore('union', ['scores'], {weights: [2], aggregate: 'max'});
  await ms.geoadd('map', [{lon: 2.35, lat: 48.85, name: 'Paris'}, {lon: 4.83, lat: 45.75, name: 'Lyon'}]);
  seen.geodist = await ms.geodist('map', 'Paris', 'Lyon', {unit: 'km'});
  seen.geopos = (await ms.geopos('map', ['Paris']))[0].map(part => part.toFixed(3));
  seen.georadius = await ms.georadius('map', 2.3, 48.8, 100, 'km', {withdist: true, sort: 'asc', count: 5});
  seen.pfadd = [await ms.pfadd('visitors', ['a', 'b']), await ms.pfadd('visitors', ['a'])];
  seen.pfcount = await ms.pfcount(['visitors']);
}

run(async () => {
  const [, , protocol, port] = process.argv;
  const kuzzle = await connected(protocol, port);
  const seen = {};
  await stringsAndKeys(kuzzle.ms, seen);
  await collections(kuzzle.ms, seen);
  await ranks(kuzzle.ms, seen);
  seen.wrongType = await rejection(kuzzle.ms.get('list'));
  say(seen);
  kuzzle.disconnect();
});
