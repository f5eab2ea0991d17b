// Opens a page in headless Chromium: browser.js CHROMIUM URL.
// Prints {"value": what the page's promise `finished` gives, "errors": what the page complained of}.
'use strict';
const {chromium} = require('playwright-core');

(async () => {
  const [executablePath, url] = process.argv.slice(2);
  const browser = await chromium.launch({
    executablePath,
    headless: true,
    args: [
      '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
      '--disable-component-update', '--disable-sync'
    ]
  });
  const errors = [];
  try {
    const page = await browser.newPage();
    page.on('pageerror', error => errors.push(String(error)));
    page.on('console', message => message.type() === 'error' && errors.push(message.text()));
    await page.goto(url);
    const value = await page.evaluate('finished');
    process.stdout.write(`${JSON.stringify({value, errors})}\n`);
  } finally {
    await browser.close();
  }
})().catch(error => {
  process.stderr.write(`${error.stack}\n`, () => process.exit(1));
});
