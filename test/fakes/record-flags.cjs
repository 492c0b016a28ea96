// Preloaded into a process under test: writes into RECORD_FLAGS which flags it gave V8, and which of Node's modules it
// loaded after the first of them.
const { writeFileSync } = require("node:fs");
const v8 = require("node:v8");

const { setFlagsFromString } = v8;
const flags = [];
let loaded = Number.POSITIVE_INFINITY;
v8.setFlagsFromString = (flag) => {
  if (flags.length === 0) loaded = process.moduleLoadList.length;
  flags.push(flag);
  setFlagsFromString(flag);
};
process.on("exit", () => {
  const late = process.moduleLoadList.slice(loaded).filter((name) => name.startsWith("NativeModule "));
  writeFileSync(process.env.RECORD_FLAGS, JSON.stringify({ flags, late }));
});
