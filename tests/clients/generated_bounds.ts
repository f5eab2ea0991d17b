// What bounds a generated client, and what ends its subscriptions; run in Node by the tests.

import {
  ClientError, Kuzzle, SubscriberTooSlowError, TokenExpiredError, TooManyWaitingError, type Subscription, type types,
} from 'kuzzle-client';

type Say = (value: unknown) => unknown;

/** Return how a promise ends: the name of its error, or `done`. */
async function end(call: Promise<unknown>): Promise<string> {
  try {
    await call;
    return 'done';
  } catch (error) {
    if (error instanceof Error) return error.name;
    throw error;
  }
}

async function queues(url: string, say: Say): Promise<void> {
  const client = new Kuzzle(url, { maxQueue: 2, maxPending: 2 });
  await say(await end(client.server.now()));
  await client.open();
  const news = await client.realtime.subscribe('library', 'books', {});
  for (const id of ['0', '1', '2', '3']) await client.realtime.publish('library', 'books', {}, { id });
  const read: Array<string | null> = [];
  const ended = await end(news.listen(notification => {
    if (notification.type === 'document') read.push(notification.result._id);
  }));
  if (ended !== SubscriberTooSlowError.name) throw new Error(ended);
  await say([read, ended]);
  await say(await Promise.all([0, 1, 2].map(() => end(client.server.now()))));
  await say(await end(client.server.now()));
  client.close();
}

async function follow(news: Subscription<types.Notification>): Promise<[string, string]> {
  let last = '';
  const ended = await end(news.listen(notification => { last = notification.type; }));
  return [last, ended];
}

async function tokens(url: string, say: Say): Promise<void> {
  const who = { username: 'ann', password: 'Highbury' };
  const client = new Kuzzle(url);
  let told = 0;
  client.on('tokenExpired', () => { told += 1; });
  await client.open();
  const openToAll = await client.realtime.subscribe('library', 'books', { exists: 'title' });
  await client.auth.login('local', who, { expiresIn: '4s' });
  const ending = [];
  for (const _ of [1, 2]) ending.push(await client.realtime.subscribe('library', 'books', {}));
  const ends = await Promise.all(ending.map(follow));
  if (ends.some(([, name]) => name !== TokenExpiredError.name)) throw new Error(JSON.stringify(ends));
  await say([ends, client.jwt ?? null, told, openToAll.isEnded]);
  await client.auth.login('local', who);
  const again = await client.realtime.subscribe('library', 'books', {});
  await client.realtime.publish('library', 'books', {}, { id: 'emma' });
  const first = await again.next();
  await say(first.done !== true && first.value.type === 'document' ? first.value.result._id : first);
  await client.auth.refreshToken();
  await client.auth.logout();
  await say([again.isEnded, (await follow(again))[1]]);
  client.close();
}

async function lost(url: string, say: Say): Promise<void> {
  const client = new Kuzzle(url, { timeoutMs: 3000, maxWaiting: 2 });
  const gone = new Promise<void>(resolve => client.on('lost', resolve));
  await client.open();
  await say('stop');
  await gone;
  await say(await Promise.all([0, 1, 2].map(() => end(client.server.now()))));
  client.close();
  const refused: unknown = await client.server.now().catch((error: unknown) => error);
  await say([refused instanceof ClientError, refused instanceof TooManyWaitingError]);
}

export async function run(webSocketUrl: string, _httpUrl: string, say: Say): Promise<void> {
  await queues(webSocketUrl, say);
  await tokens(webSocketUrl, say);
  await lost(webSocketUrl, say);
}
