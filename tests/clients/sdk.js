// What the scripts with Kuzzle's official JavaScript SDK share.
'use strict';
const {Http, Kuzzle, WebSocket} = require('kuzzle-sdk');

const PROTOCOLS = {http: Http, websocket: WebSocket};

/** An SDK that is connected over `http` or `websocket`. */
async function connected(protocol, port, options = {}) {
  const kuzzle = new Kuzzle(new PROTOCOLS[protocol]('localhost', {port: Number(port), ...options}), options);
  kuzzle.on('networkError', error => process.stderr.write(`networkError: ${error.message}\n`));
  await kuzzle.connect();
  return kuzzle;
}

/** Print a JSON value on a line. */
function say(value) {
  process.stdout.write(`${JSON.stringify(value)}\n`);
}

/** Run a script's main function; its fault ends the script with 1. */
function run(main) {
  main().catch(error => {
    process.stderr.write(`${error.stack || ''} ${error.message} ${error.id || ''}\n`, () => process.exit(1));
  });
}

/** What a promise is rejected with, as far as applications look at it. */
async function rejection(promise) {
  try {
    await promise;
  } catch (error) {
    return {status: error.status, id: error.id, message: error.message};
  }
  throw new Error('nothing was refused');
}

module.exports = {connected, rejection, run, say};
