// What tests run with a generated client, in Node and in a browser.

import { errors, Kuzzle, NoRouteError, PartialError, type Subscription, type types } from 'kuzzle-client';

type Say = (value: unknown) => unknown;

/** Return the id of the next document that is told of. */
async function heard(news: Subscription<types.Notification>): Promise<string | null> {
  for await (const notification of news) {
    if (notification.type === 'document') return notification.result._id;
    throw new Error(`heard of ${notification.type}`);
  }
  throw new Error('the subscription ended');
}

async function refusal<Kind extends Error>(kind: new (...args: never[]) => Kind, call: Promise<unknown>): Promise<Kind> {
  try {
    await call;
  } catch (error) {
    if (error instanceof kind) return error;
    throw error;
  }
  throw new Error('not refused');
}

async function overHttp(url: string, say: Say): Promise<void> {
  const client = new Kuzzle(url);
  await client.open();
  await client.index.create('library');
  await client.collection.create('library', 'books', { properties: { year: { type: 'integer' } } });
  await client.auth.login('local', { username: 'ann', password: 'Highbury' });
  const book = { title: 'Ünïcödé/&?', year: 1815 };
  const created = await client.document.create('library', 'books', book, { id: 'a b/ü?', refresh: 'wait_for' });
  const found = await client.document.search('library', 'books', { query: { term: { year: 1815 } } }, { size: 5 });
  const read = await client.document.get('library', 'books', created._id, { volatile: { who: 'Änn' } });
  const noRoute = await refusal(NoRouteError, client.realtime.subscribe('library', 'books', {}));
  await say([created._version, found.hits.map(hit => hit._id), read._source['title'], noRoute.name]);
  const { _id } = await client.auth.getCurrentUser();
  await say([read._meta?.author, _id, await client.ms.set('key', { value: 1 })]);
  client.close();
}

async function refusals(client: Kuzzle, say: Say): Promise<void> {
  const { create, mCreate, get } = {
    create: client.document.create('library', 'books', {}, { id: 'a b/ü?' }),
    mCreate: client.document.mCreate('library', 'books', {
      documents: ['fine', 'a b/ü?'].map(_id => ({ _id, body: {} })),
    }),
    get: client.document.get('library', 'books', 'nowhere'),
  };
  const [taken, missing, partial] = await Promise.all([
    refusal(errors.StorageDocumentAlreadyExistsError, create),
    refusal(errors.NotFoundError, get),
    refusal(PartialError, mCreate),
  ]);
  const written = partial.result as types.Batch;
  await say([
    [taken.id, taken.status, taken instanceof errors.BadRequestError, taken.message !== ''],
    missing.id,
    [partial.status, partial.errors.length, written.hits.map(hit => hit._id)],
  ]);
}

async function overWebSocket(url: string, say: Say): Promise<void> {
  const client = new Kuzzle(url, { firstPauseMs: 50, longestPauseMs: 200 });
  const lost = new Promise<string>(resolve => client.on('lost', () => resolve('lost')));
  const restored = new Promise<string>(resolve => client.on('restored', () => resolve('restored')));
  await client.open();
  const { jwt } = await client.auth.login('local', { username: 'ann', password: 'Highbury' });
  if (client.jwt !== jwt) throw new Error('the token is not kept');
  await refusals(client, say);
  const recent = { range: { year: { gte: 1900 } } };
  const news = await client.realtime.subscribe('library', 'books', recent);
  const departures = await client.realtime.subscribe('library', 'books', recent, { scope: 'out' });
  await client.document.create('library', 'books', { year: 1816 }, { id: 'old' });
  await client.document.create('library', 'books', { year: 1922 }, { id: 'new' });
  await say(await heard(news));
  await client.document.delete('library', 'books', 'new');
  await say([await heard(departures), await heard(news)]);
  await departures.close();
  await client.document.create('library', 'books', { year: 1925 }, { id: 'newer' });
  await say(await heard(news));
  await say([await lost, client.isConnected]);
  await say([await client.document.exists('library', 'books', 'newer'), await restored]); // waits until it is back
  await say(await heard(news));
  await news.close();
  await client.auth.logout();
  if (client.jwt !== undefined) throw new Error('the token is kept');
  client.close();
  await say('ended');
}

export async function run(webSocketUrl: string, httpUrl: string, say: Say): Promise<void> {
  await overHttp(httpUrl, say);
  await overWebSocket(webSocketUrl, say);
}
