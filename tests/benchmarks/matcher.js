// Koncorde on the cases of matcher.py. Reads one JSON line of {filters, documents, seconds} and prints
// one JSON line of CPU time: microseconds a registration, a match, a removal, and how many matched.
const { Koncorde } = require(require.resolve("koncorde", { paths: [process.argv[2]] }));
const { filters, documents, seconds } = JSON.parse(require("fs").readFileSync(0, "utf8"));

function cpu() {
  const { user, system } = process.cpuUsage();
  return user + system;
}

const koncorde = new Koncorde({ maxConditions: 100000 });
let start = cpu();
const ids = filters.map((filter) => koncorde.register(filter));
const register = (cpu() - start) / filters.length;

documents.forEach((document) => koncorde.test(document)); // compiled by now
start = cpu();
let matched = 0;
let rounds = 0;
while (cpu() - start < seconds * 1e6) {
  for (const document of documents) matched += koncorde.test(document).length;
  rounds++;
}
const match = (cpu() - start) / (rounds * documents.length);

start = cpu();
ids.forEach((id) => koncorde.remove(id));
const remove = (cpu() - start) / ids.length;
console.log(JSON.stringify({ register, match, remove, matched: matched / rounds }));
