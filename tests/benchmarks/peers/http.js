// Node's own HTTP server with an answer of the same bytes: http.js PORT ANSWER
'use strict';
const http = require('http');
const answer = JSON.parse(process.argv[3]);
const headers = answer.headers.filter(([name]) => name !== 'Date').flat();
const server = http.createServer((request, response) => {
  response.writeHead(200, headers);
  response.end(answer.body);
});
server.keepAliveTimeout = 0; // no Keep-Alive header of its own
server.listen(Number(process.argv[2]), 'localhost');
