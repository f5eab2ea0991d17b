// Runs the compiled generated_typescript.ts in Node: generated_node.mjs MODULE WEBSOCKET_URL HTTP_URL.
const [module, ...urls] = process.argv.slice(2);
const {run} = await import(module);
await run(...urls, value => process.stdout.write(`${JSON.stringify(value)}\n`));
