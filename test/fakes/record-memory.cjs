// Preloaded into a process under test: adds the most memory that it ever had, in KiB, to the file RECORD_MEMORY.
const { appendFileSync, readFileSync } = require("node:fs");

// What getrusage tells begins with what the process had that started this one.
const most = () => /^VmHWM:\s*(\d+) kB$/m.exec(readFileSync("/proc/self/status", "utf8"))[1];

process.on("exit", () => appendFileSync(process.env.RECORD_MEMORY, `${most()}\n`));
