// Preloaded into a process under test: writes the names of the files that it loaded into RECORD_MODULES.
const { writeFileSync } = require("node:fs");

process.on("exit", () => writeFileSync(process.env.RECORD_MODULES, Object.keys(require.cache).join("\n")));
