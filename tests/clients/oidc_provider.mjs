// A provider of OpenID Connect (oidc-provider) on loopback, where any name logs in. Prints its issuer. Each line on
// its standard input gives it a fresh key in place of the one it had, and makes it forget who is logged in.
import {createServer} from 'node:http';
import {generateKeyPairSync, randomBytes} from 'node:crypto';
import {createInterface} from 'node:readline';
import Provider from 'oidc-provider';

console.info = console.error; // notices of the library; standard output is the test's

const [secret, redirectUri] = process.argv.slice(2);

function freshKey() {
  const {privateKey} = generateKeyPairSync('rsa', {modulusLength: 2048});
  const kid = randomBytes(8).toString('hex');
  return {...privateKey.export({format: 'jwk'}), kid, use: 'sig', alg: 'RS256'};
}

function provider(issuer) {
  return new Provider(issuer, {
    clients: [{client_id: 'kuzzle', client_secret: secret, redirect_uris: [redirectUri]}],
    jwks: {keys: [freshKey()]},
    cookies: {keys: [randomBytes(16).toString('hex')]},
    pkce: {required: () => true},
    conformIdTokenClaims: true,
    claims: {openid: ['sub'], profile: ['name', 'nickname']},
    findAccount: (_context, id) => ({
      accountId: id,
      claims: () => ({sub: id, name: `Miss ${id}`, nickname: id.toLowerCase()}),
    }),
  });
}

const server = createServer((request, response) => answer(request, response));
let answer;
server.listen(0, '127.0.0.1', () => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const renew = () => { answer = provider(issuer).callback(); };
  renew();
  createInterface({input: process.stdin}).on('line', () => {
    renew();
    console.log(JSON.stringify('renewed'));
  });
  console.log(JSON.stringify(issuer));
});
