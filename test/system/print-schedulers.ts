// Run inside a machine with a systemd of its own: prints what doctor finds of its schedulers.
import { judgeSchedulers } from "../../src/core/schedulers.ts";
import { unitSchedulers } from "../../src/host/systemd-units.ts";

void unitSchedulers().then((schedulers) => {
  const findings = judgeSchedulers({ schedulers, cronRuns: true }, true);
  process.stdout.write(`${JSON.stringify({ schedulers, findings })}\n`);
});
