// The day of a bookshop, as its programmers wrote it for Kuzzle and Elasticsearch: sdk_bookshop.js PORT.
// Prints one object, a member per chapter.
'use strict';
const {connected, rejection, run, say} = require('./sdk');

const SHOP = ['shop', 'books'];
const AT_ONCE = {refresh: 'wait_for'};

const MAPPING = {
  dynamic: 'strict',
  _meta: {team: 'catalogue'},
  properties: {
    title: {type: 'text', fields: {raw: {type: 'keyword'}}},
    blurb: {type: 'text', analyzer: 'english'},
    genre: {type: 'keyword'},
    price: {type: 'scaled_float', scaling_factor: 100},
    published: {type: 'date', format: 'yyyy-MM-dd'},
    stock: {type: 'integer'},
    branch: {type: 'geo_point'},
    reviews: {
      type: 'nested',
      properties: {by: {type: 'keyword'}, stars: {type: 'integer'}, text: {type: 'text'}}
    }
  }
};

const SPECIFICATION = {
  strict: false,
  fields: {
    title: {type: 'string', mandatory: true, typeOptions: {length: {min: 1, max: 100}}},
    price: {type: 'numeric', mandatory: true, typeOptions: {range: {min: 0}}},
    stock: {type: 'integer', defaultValue: 1}
  },
  validators: [{not: {equals: {genre: 'forbidden'}}}]
};

const LONDON = {lat: 51.5, lon: -0.13};
const BATH = {lat: 51.38, lon: -2.36};
const EDINBURGH = {lat: 55.95, lon: -3.19};

function book(title, genre, price, published, branch, blurb, reviews = []) {
  return {title, genre, price, published, branch, blurb, reviews, stock: 3};
}

const CATALOGUE = {
  emma: book('Emma', 'novel', 9.5, '1815-12-23', BATH, 'A young woman is matching her friends.', [
    {by: 'ada', stars: 5, text: 'sharp and funny'}, {by: 'bob', stars: 2, text: 'too long'}
  ]),
  persuasion: book('Persuasion', 'novel', 8.25, '1817-12-20', BATH, 'Eight years later they match again.', [
    {by: 'bob', stars: 5, text: 'my favourite'}
  ]),
  waverley: book('Waverley', 'novel', 12, '1814-07-07', EDINBURGH, 'A soldier in the highlands.'),
  lamia: book('Lamia', 'poem', 4.75, '1820-07-01', LONDON, 'A serpent and the match of a philosopher.', [
    {by: 'ada', stars: 3, text: 'sharp'}
  ]),
  don: book('Don Juan', 'poem', 15, '1819-07-15', LONDON, 'Cantos without end.')
};

function ids(result) {
  return result.hits.map(hit => hit._id);
}

/** Morning: the shop is set up, and set up again by whoever deploys twice. */
async function open(kuzzle) {
  await kuzzle.index.create('shop');
  await kuzzle.collection.create(...SHOP, MAPPING);
  await kuzzle.collection.create(...SHOP, MAPPING);
  const mapping = (await kuzzle.collection.getMapping(...SHOP)).shop.mappings.books;
  await kuzzle.collection.updateSpecifications('shop', 'books', SPECIFICATION);
  return {
    mapping,
    again: (await rejection(kuzzle.index.create('shop'))).status,
    changed: await rejection(kuzzle.collection.updateMapping(...SHOP, {properties: {stock: {type: 'keyword'}}}))
  };
}

/** The catalogue comes in bulk; one line of it is broken. */
async function stock(kuzzle) {
  const lines = Object.entries(CATALOGUE).flatMap(([name, content]) => [
    {index: {_index: 'shop', _type: 'books', _id: name}}, content
  ]);
  const broken = [{index: {_index: 'shop', _type: 'books', _id: 'broken'}}, {title: 'Broken', price: 'dear'}];
  const request = {controller: 'bulk', action: 'import', refresh: 'wait_for', body: {bulkData: [...lines, ...broken]}};
  return {partial: await rejection(kuzzle.query(request)), count: await kuzzle.document.count(...SHOP)};
}

/** Visitors look for books in every way the shop's pages offer. */
async function browse(kuzzle) {
  const find = (body, options = {size: 10}) => kuzzle.document.search(...SHOP, body, options);
  const stemmed = await find({
    query: {match: {blurb: 'matches'}}, highlight: {fields: {blurb: {}}}, sort: [{'title.raw': 'asc'}]
  });
  const near = await find({
    query: {bool: {filter: {geo_distance: {distance: '200km', branch: LONDON}}}},
    sort: [{_geo_distance: {branch: LONDON, unit: 'km', order: 'asc'}}, {price: 'asc'}]
  });
  const facets = await find({
    query: {range: {published: {gte: '1815-01-01', lt: '1820-01-01'}}},
    aggregations: {
      genres: {terms: {field: 'genre'}, aggs: {cheapest: {min: {field: 'price'}}}},
      years: {date_histogram: {field: 'published', interval: 'year', format: 'yyyy'}}
    }
  }, {size: 0});
  const praised = await find({
    query: {
      nested: {path: 'reviews', query: {bool: {must: [{term: {'reviews.by': 'ada'}}, {range: {'reviews.stars': {gte: 4}}}]}}}
    }
  });
  const pages = [];
  for (let page = await find({sort: [{price: 'desc'}]}, {size: 2, scroll: '30s'}); page; page = await page.next()) {
    pages.push(ids(page));
  }
  const slim = await find({query: {term: {'title.raw': 'Emma'}}, _source: ['title', 'price']});
  return {
    stemmed: stemmed.hits.map(hit => [hit._id, hit.highlight.blurb[0]]),
    near: ids(near),
    facets: facets.aggregations,
    praised: ids(praised),
    pages,
    slim: Object.keys(slim.hits[0]._source).sort(),
    wrong: await rejection(find({query: {matches: {title: 'emma'}}}))
  };
}

/** Orders take books from the shelf, at the same time; somebody watches what becomes scarce. */
async function sell(kuzzle) {
  const scarce = [];
  await kuzzle.realtime.subscribe(...SHOP, {range: {stock: {lt: 2}}}, notification => {
    scarce.push([notification.action, notification.scope, notification.result._id]);
  });
  const sold = await Promise.all([1, 2, 3, 4].map(number => (
    kuzzle.document.update(...SHOP, 'lamia', {stock: 4 - number}, {retryOnConflict: 5})
  )));
  await kuzzle.document.delete(...SHOP, 'don', AT_ONCE);
  return {
    versions: sold.map(one => one._version),
    scarce,
    gone: await rejection(kuzzle.document.get(...SHOP, 'don')),
    left: await kuzzle.document.count(...SHOP)
  };
}

/** What the staff types is checked against what the shop demands. */
async function check(kuzzle) {
  const verdict = await kuzzle.document.validate(...SHOP, {title: '', genre: 'forbidden'});
  const added = await kuzzle.document.create(...SHOP, {title: 'Kim', price: 7, genre: 'novel'}, 'kim', AT_ONCE);
  return {
    verdict,
    stock: added._source.stock,
    cheap: await rejection(kuzzle.document.create(...SHOP, {title: 'Gift', price: -1})),
    unknown: await rejection(kuzzle.document.create(...SHOP, {title: 'Odd', price: 1, colour: 'red'}))
  };
}

/** Night: prices fall, old stock goes, and the shop closes. */
async function close(kuzzle) {
  const cut = await kuzzle.document.mUpdate(...SHOP, ['emma', 'kim'].map(_id => ({_id, body: {price: 1}})), AT_ONCE);
  const old = await kuzzle.document.deleteByQuery(...SHOP, {query: {range: {published: {lt: '1815-01-01'}}}}, AT_ONCE);
  const cheap = await kuzzle.document.search(...SHOP, {query: {term: {price: 1}}, sort: [{_uid: 'asc'}]});
  await kuzzle.collection.truncate(...SHOP, AT_ONCE);
  const left = await kuzzle.document.count(...SHOP);
  await kuzzle.index.delete('shop');
  return {cut: cut.total, old, cheap: ids(cheap), left, exists: await kuzzle.index.exists('shop')};
}

run(async () => {
  const kuzzle = await connected('websocket', process.argv[2]);
  const seen = {};
  for (const chapter of [open, stock, browse, sell, check, close]) {
    seen[chapter.name] = await chapter(kuzzle);
  }
  say(seen);
  kuzzle.disconnect();
});
