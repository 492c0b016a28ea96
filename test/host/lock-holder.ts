// Takes the lock of a job at each line of its input, tells whether it has it, and gives it back at the next.
import { createInterface } from "node:readline";
import { fileLocks } from "../../src/host/lock.ts";

const [directory = "", job = "", owner = ""] = process.argv.slice(2);
const locks = fileLocks(directory);
let release = (): Promise<void> => Promise.resolve();
process.stdout.write("ready\n");
for await (const line of createInterface({ input: process.stdin })) {
  if (line === "take") {
    try {
      const lock = await locks.take(job, owner);
      if ("release" in lock) release = lock.release;
      process.stdout.write("heldBy" in lock ? `held by ${lock.heldBy}\n` : "taken\n");
    } catch (error) {
      const { kind, message } = error as { kind?: string; message: string };
      process.stdout.write(`${kind}: ${message}\n`);
    }
  } else {
    await release();
    release = () => Promise.resolve();
    process.stdout.write("released\n");
  }
}
