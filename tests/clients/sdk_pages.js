// Pages of a search through the SDK: sdk_pages.js http|websocket PORT; prints the ids of each page, by way of paging.
'use strict';
const {connected, run, say} = require('./sdk');

async function pages(kuzzle, body, options) {
  const found = [];
  for (let page = await kuzzle.document.search('library', 'books', body, options); page; page = await page.next()) {
    found.push(page.hits.map(hit => hit._id));
  }
  return found;
}

async function specifications(kuzzle) {
  const found = [];
  const wanted = {query: {query: {term: {index: 'library'}}, sort: [{collection: 'asc'}]}};
  for (let page = await kuzzle.collection.searchSpecifications(wanted, {scroll: '30s', size: 2}); page;
    page = await page.next()) {
    found.push(page.hits.map(hit => hit._source.collection));
  }
  return found;
}

async function groups(kuzzle) {
  const collapse = {field: 'year', inner_hits: {name: 'same'}};
  const page = await kuzzle.document.search('library', 'books', {sort: [{year: 'desc'}], collapse});
  return page.hits.map(hit => [hit._id, hit.inner_hits.same.hits.total]);
}

run(async () => {
  const [protocol, port] = process.argv.slice(2);
  const kuzzle = await connected(protocol, port);
  const sort = [{year: 'desc'}, {_uid: 'asc'}];
  say({
    after: await pages(kuzzle, {sort}, {size: 2}),
    from: await pages(kuzzle, {sort}, {from: 0, size: 2}),
    scroll: await pages(kuzzle, {sort}, {scroll: '30s', size: 2}),
    specifications: await specifications(kuzzle),
    groups: await groups(kuzzle)
  });
  kuzzle.disconnect();
});
