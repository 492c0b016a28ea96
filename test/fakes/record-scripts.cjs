// Preloaded into a process under test: writes, for each chunk that the launcher compiled itself, whether it used
// code that was kept, into RECORD_SCRIPTS.
const { writeFileSync } = require("node:fs");
const path = require("node:path");
const vm = require("node:vm");

const scripts = {};
vm.Script = class Script extends vm.Script {
  constructor(text, options) {
    super(text, options);
    const how = options.cachedData === undefined ? "compiled" : this.cachedDataRejected ? "rejected" : "kept";
    scripts[path.basename(options.filename)] = how;
  }
};
process.on("exit", () => writeFileSync(process.env.RECORD_SCRIPTS, JSON.stringify(scripts)));
