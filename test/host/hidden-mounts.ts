// Prints the mounts that only other namespaces have, as JSON.
import { readHiddenMounts } from "../../src/host/hidden-mounts.ts";
import { readMounts } from "../../src/host/mounts.ts";

const found = await readHiddenMounts(await readMounts(), "/proc");
process.stdout.write(JSON.stringify(found));
