// Measures the built agent beside its baselines and prints the figures next to their goals.
//
//   npm run bench [-- one-shot sizes idle planning listing window artifacts files restore-file directory]
//
// BENCH_RUNS (15) and BENCH_IDLE_SECONDS (60) say how long, BENCH_FILES_MIB (2048; for files 8192 where memory has room) how
// much. A slow machine never fails it; a wrong count or size does.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";

const root = path.join(import.meta.dirname, "../..");
const folder = mkdtempSync(path.join(tmpdir(), "ec2-backup-bench-"));
const runs = Number(process.env.BENCH_RUNS ?? 15);
const seconds = Number(process.env.BENCH_IDLE_SECONDS ?? 60);

const parts: Record<string, () => Promise<void>> = {
  sizes: async () => (await import("./sizes.ts")).sizes(root, folder),
  "one-shot": async () => (await import("./one-shot.ts")).oneShot(root, folder, runs),
  planning: async () => (await import("./planning.ts")).planning(root, folder, runs),
  listing: async () => (await import("./listing.ts")).listing(root, folder, Math.min(runs, 7)),
  window: async () => (await import("./window.ts")).freezeWindow(root, folder, runs),
  artifacts: async () => (await import("./artifacts.ts")).artifacts(root, folder, runs),
  files: async () => (await import("./files.ts")).files(root, folder, Math.min(runs, 7)),
  "restore-file": async () =>
    (await import("./restore-file.ts")).restoreFile(root, folder, Math.min(runs, 7)),
  directory: async () => (await import("./directory.ts")).directory(Math.min(runs, 5)),
  idle: async () => (await import("./idle.ts")).idle(root, folder, seconds),
};

const wanted = process.argv.length > 2 ? process.argv.slice(2) : Object.keys(parts);
try {
  for (const name of wanted) {
    const part = parts[name];
    if (part === undefined) throw new Error(`no part ${name}; there are ${Object.keys(parts).join(", ")}`);
    await part();
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
