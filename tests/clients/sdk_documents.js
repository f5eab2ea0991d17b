// Documents through the SDK: sdk_documents.js http|websocket PORT; prints one object, a member per step.
'use strict';
const {connected, rejection, run, say} = require('./sdk');

const AT_ONCE = {refresh: 'wait_for'};

async function steps(kuzzle) {
  const {collection, document, index, server} = kuzzle;
  const seen = {};
  seen.now = await server.now();
  seen.version = (await server.info()).serverInfo.kuzzle.version;
  seen.adminExists = await server.adminExists();

  await index.create('library');
  seen.indexExists = [await index.exists('library'), await index.exists('nowhere')];
  seen.indexes = await index.list();
  await collection.create('library', 'books', {properties: {title: {type: 'keyword'}, year: {type: 'integer'}}});
  seen.collectionExists = [await collection.exists('library', 'books'), await collection.exists('library', 'maps')];
  seen.mapping = await collection.getMapping('library', 'books');
  seen.collections = await collection.list('library');

  seen.created = await document.create('library', 'books', {title: 'Notes', year: 1843}, 'ada', AT_ONCE);
  seen.named = await document.create('library', 'books', {title: 'Cobol', year: 1959}, null, AT_ONCE);
  seen.read = await document.get('library', 'books', 'ada');
  seen.updated = await document.update('library', 'books', 'ada', {pages: 66}, AT_ONCE);
  seen.afterUpdate = (await document.get('library', 'books', 'ada'))._source;
  seen.replaced = await document.replace('library', 'books', 'ada', {title: 'Sketch', year: 1842}, AT_ONCE);
  seen.createdOrReplaced = [
    await document.createOrReplace('library', 'books', 'ada', {title: 'Sketch', year: 1843}, AT_ONCE),
    await document.createOrReplace('library', 'books', 'new', {title: 'Engine', year: 1837}, AT_ONCE)
  ];
  seen.documentExists = [
    await document.exists('library', 'books', 'ada'), await document.exists('library', 'books', 'nobody')
  ];
  seen.many = await document.mCreate(
    'library', 'books', [1, 2, 3].map(number => ({_id: `m${number}`, body: {title: 'Many', year: number}})), AT_ONCE
  );
  seen.manyRead = await document.mGet('library', 'books', ['m1', 'm3']);

  const found = await document.search(
    'library', 'books', {query: {range: {year: {lt: 1900}}}, sort: [{year: 'asc'}]}, {from: 1, size: 3}
  );
  seen.found = {total: found.total, ids: found.hits.map(hit => hit._id), years: found.hits.map(hit => hit._source.year)};
  const pages = [];
  for (let page = await document.search('library', 'books', {}, {from: 0, size: 4}); page; page = await page.next()) {
    pages.push(page.hits.map(hit => hit._id));
  }
  seen.pages = pages;
  seen.count = await document.count('library', 'books', {query: {term: {title: 'Many'}}});

  seen.deleted = await document.delete('library', 'books', 'new', AT_ONCE);
  seen.deletedByQuery = await document.deleteByQuery('library', 'books', {query: {term: {title: 'Many'}}}, AT_ONCE);
  seen.left = await document.count('library', 'books');
  await collection.truncate('library', 'books', AT_ONCE);
  seen.leftAfterTruncate = await document.count('library', 'books');

  seen.errors = {
    missing: await rejection(document.get('library', 'books', 'nobody')),
    taken: await document.create('library', 'books', {}, 'one').then(
      () => rejection(document.create('library', 'books', {}, 'one'))
    ),
    bodiless: await rejection(
      kuzzle.query({controller: 'document', action: 'create', index: 'library', collection: 'books'})
    ),
    partial: await rejection(document.mGet('library', 'books', ['one', 'nobody']))
  };
  await index.delete('library');
  seen.indexExistsAtTheEnd = await index.exists('library');
  return seen;
}

run(async () => {
  const [protocol, port] = process.argv.slice(2);
  const kuzzle = await connected(protocol, port);
  say(await steps(kuzzle));
  kuzzle.disconnect();
});
