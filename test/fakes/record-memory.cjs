// Preloaded into a process under test: adds the most memory that it ever had, in KiB, to the file RECORD_MEMORY.
const { appendFileSync } = require("node:fs");

process.on("exit", () => appendFileSync(process.env.RECORD_MEMORY, `${process.resourceUsage().maxRSS}\n`));
