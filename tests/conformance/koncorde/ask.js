// Asks Koncorde about each filter and each document. Reads one line of {filters, documents} and prints one line:
// for each filter the numbers of the documents it matches, or why it was refused.
//     node ask.js FOLDER    where `npm install koncorde@4` was run in FOLDER
const { Koncorde } = require(require.resolve("koncorde", { paths: [process.argv[2]] }));
const { filters, documents } = JSON.parse(require("fs").readFileSync(0, "utf8"));

const answers = filters.map((filter) => {
  const koncorde = new Koncorde({ maxConditions: 100000 });
  try {
    koncorde.register(filter);
    return documents.map((one, number) => (koncorde.test(one).length ? number : -1)).filter((number) => number >= 0);
  } catch (error) {
    return error.message;
  }
});
console.log(JSON.stringify(answers));
