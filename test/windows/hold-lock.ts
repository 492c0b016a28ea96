// Run by a Node of Windows: takes the lock of a job in a folder and says so, for so many milliseconds.
import { writeFileSync } from "node:fs";
import process from "node:process";
import { fileLocks } from "../../src/host/lock.ts";

const [, , folder = "", told = "", ms = "0"] = process.argv;
const lock = await fileLocks(folder).take("default", "a test");
writeFileSync(told, "heldBy" in lock ? "taken" : "held");
setTimeout(() => process.exit(), Number(ms));
