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

run(async () => {
  const [protocol, port] = process.argv.slice(2);
  const kuzzle = await connected(protocol, port);
  const sort = [{year: 'desc'}, {_uid: 'asc'}];
  say({
    after: await pages(kuzzle, {sort}, {size: 2}),
    from: await pages(kuzzle, {sort}, {from: 0, size: 2}),
    scroll: await pages(kuzzle, {sort}, {scroll: '30s', size: 2})
  });
  kuzzle.disconnect();
});
