import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import type { BackupError } from "../../../src/core/errors.ts";
import type { RestoreDisks } from "../../../src/host/restore-disks.ts";

const never = new AbortController().signal;

/** What came of clones whose separation was cut off. */
export interface CutOff {
  readonly how: string;
  /** How many writes had reached the clones at the moment of the blow, and when all was over. */
  readonly writes: readonly [number, number];
  readonly notes?: readonly string[];
  readonly said?: { readonly found: string; readonly remedy?: string };
  /** What is there afterwards, after the separation was repeated. */
  readonly repeated: unknown;
  readonly found: unknown;
}

/** Lets each clone take so many writes in a second, as a new volume would be slow. */
export function slow(devices: readonly string[], writes: number | "max"): void {
  const group = "/run/slow/clones";
  mkdirSync(group, { recursive: true });
  for (const device of devices) writeFileSync(`${group}/io.max`, `${numberOf(device)} wiops=${writes}\n`);
  writeFileSync(`${group}/cgroup.procs`, String(process.pid));
}

const numberOf = (device: string): string =>
  readFileSync(device.replace("/dev/", "/sys/block/").concat("/dev"), "utf8").trim();

function writesTo(devices: readonly string[]): number {
  const stats = devices.map((one) =>
    readFileSync(one.replace("/dev/", "/sys/block/").concat("/stat"), "utf8"),
  );
  return stats.reduce((sum, text) => sum + Number(text.trim().split(/\s+/)[4]), 0);
}

/** The process that gives a group a name of its own. */
function renaming(): number | undefined {
  const found = readdirSync("/proc").find((one) => {
    if (!/^\d+$/.test(one)) return false;
    try {
      return readFileSync(`/proc/${one}/cmdline`, "utf8").split("\0")[1] === "vgimportclone";
    } catch {
      return false;
    }
  });
  return found === undefined ? undefined : Number(found);
}

/** Waits for so many writes of the renaming and strikes; how many there were then. */
async function strikeAt(
  devices: readonly string[],
  writes: number,
  blow: (renaming: number) => void,
): Promise<number> {
  let process = renaming();
  for (; process === undefined; process = renaming()) await delay(5);
  const before = writesTo(devices);
  while (writesTo(devices) - before < writes && renaming() !== undefined) await delay(1);
  const so = writesTo(devices) - before;
  blow(process);
  return so;
}

async function aftermath(
  host: RestoreDisks,
  devices: readonly string[],
): Promise<{ repeated: unknown; found: unknown }> {
  const inWords = ({ found, remedy }: BackupError): unknown => ({ found, remedy });
  const repeated = await host.separate(devices, never).catch(inWords);
  return { repeated, found: await host.filesystems(devices, never).catch(inWords) };
}

/** LVM itself is killed after so many writes, as by the want of memory or power. */
export async function lvmKilled(host: RestoreDisks, devices: readonly string[], n: number): Promise<CutOff> {
  const begun = writesTo(devices);
  const struck = strikeAt(devices, n, (pid) => process.kill(pid, "SIGKILL"));
  const said = await host.separate(devices, never).then(
    () => undefined,
    ({ found, remedy }: BackupError) => ({ found, ...(remedy === undefined ? {} : { remedy }) }),
  );
  const writes = [await struck, writesTo(devices) - begun] as const;
  return {
    how: `lvm killed after ${n}`,
    writes,
    ...(said && { said }),
    ...(await aftermath(host, devices)),
  };
}

/** The agent is told to stop once LVM has begun to write. */
export async function stopped(host: RestoreDisks, devices: readonly string[]): Promise<CutOff> {
  const [begun, stop] = [writesTo(devices), new AbortController()];
  const struck = strikeAt(devices, 1, () => stop.abort());
  const notes = await host.separate(devices, stop.signal);
  const writes = [await struck, writesTo(devices) - begun] as const;
  return { how: "stopped", writes, notes, ...(await aftermath(host, devices)) };
}

const separating = `
import { restoreDisks } from "/payload/src/host/restore-disks.ts";
await restoreDisks("/run/separating").separate(process.argv.slice(1), new AbortController().signal);
`;

/** The agent is killed once LVM has begun to write; LVM goes on. */
export async function agentKilled(devices: readonly string[]): Promise<readonly [number, number]> {
  const begun = writesTo(devices);
  const words = ["--experimental-strip-types", "--no-warnings", "--input-type=module", "-e", separating];
  const child = spawn(process.execPath, [...words, ...devices], { stdio: ["ignore", "ignore", "inherit"] });
  const ended = once(child, "exit");
  const struck = await strikeAt(devices, 1, () => child.kill("SIGKILL"));
  await ended;
  if (child.signalCode !== "SIGKILL") throw new Error("it ended before it was killed");
  while (renaming() !== undefined) await delay(50);
  return [struck, writesTo(devices) - begun];
}
