// Lets the parser of AsyncAPI read a document: asyncapi.mjs FILE. Prints its version, then each finding.
import { readFileSync } from 'node:fs';
import { Parser } from '@asyncapi/parser';

const { document, diagnostics } = await new Parser().parse(readFileSync(process.argv[2], 'utf8'));
console.log(JSON.stringify(document?.version() ?? null));
for (const { severity, code, message, path } of diagnostics) {
  console.log(JSON.stringify({ severity, code, message, path: path.join('/') }));
}
