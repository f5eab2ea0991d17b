// The broker Aedes as it comes: aedes.js PORT
'use strict';
const {Aedes} = require('aedes');
Aedes.createBroker().then(broker =>
  require('net').createServer(broker.handle).listen(Number(process.argv[2]), 'localhost'));
