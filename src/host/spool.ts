import { constants } from "node:fs";
import { type FileHandle, lstat, mkdir, open, readdir, unlink } from "node:fs/promises";
import path from "node:path";
import { distrustOfPlaces, octal, placesOnTheWay } from "../core/distrust.ts";
import { BackupError } from "../core/errors.ts";
import { codeOf } from "./atomic-file.ts";
import { look } from "./look.ts";

/** Files of ours; nothing else in the directory is ever touched. */
const ours = /^ec2-backup-dump-[0-9a-f]{8}-[0-9a-f-]{27}$/;

/** A file that has no name any more: it is gone with the last who has it open, however that one ends. */
export interface Spooled extends AsyncDisposable {
  readonly writing: number;
  /** Bytes in it. */
  size(): Promise<number>;
  /** Another descriptor of it, from its beginning; closed with the rest. */
  reading(): Promise<number>;
  close(): Promise<void>;
}

/**
 * Opens a new file in a private directory, which is made if it is not there, and takes its name away at once. Rejects
 * with a BackupError where somebody else could look into the directory or exchange it.
 */
export async function openSpool(directory: string, uid: number): Promise<Spooled> {
  const doing = `write into the directory ${directory}`;
  await ready(directory, uid, doing);
  const name = path.join(directory, `ec2-backup-dump-${crypto.randomUUID()}`);
  const flags = constants.O_RDWR | constants.O_CREAT | constants.O_EXCL | (constants.O_NOFOLLOW ?? 0);
  const handles: FileHandle[] = [];
  const close = async (): Promise<void> => {
    await Promise.all(handles.splice(0).map((handle) => handle.close()));
  };
  try {
    const handle = await open(name, flags, 0o600);
    handles.push(handle);
    await unlink(name);
    return {
      writing: handle.fd,
      size: async () => (await handle.stat()).size,
      reading: async () => {
        // Not the same description, whose place is at the end.
        const again = await open(`/proc/self/fd/${handle.fd}`, "r");
        handles.push(again);
        return again.fd;
      },
      close,
      [Symbol.asyncDispose]: close,
    };
  } catch (error) {
    await close();
    throw new BackupError({ kind: "cannot-write", doing, found: codeOf(error) }, { cause: error });
  }
}

async function ready(directory: string, uid: number, doing: string): Promise<void> {
  await mkdir(directory, { mode: 0o700 }).catch((error: unknown) => {
    if (codeOf(error) === "EEXIST") return;
    const remedy = "the directory above it must be there and writable";
    throw new BackupError({ kind: "cannot-write", doing, found: codeOf(error), remedy }, { cause: error });
  });
  const found = await lstat(directory);
  const refuse = (why: string, remedy: string): never => {
    throw new BackupError({ kind: "configuration", doing, found: why, remedy });
  };
  if (!found.isDirectory()) refuse("it is no directory", "name a directory of the agent's own");
  if (found.uid !== uid)
    refuse(`the owner uid ${found.uid} instead of the agent's user`, "name a directory of the agent's own");
  if ((found.mode & 0o077) !== 0)
    refuse(`mode ${octal(found.mode)}, so others can look into it`, `chmod 700 ${directory}`);
  const distrust = distrustOfPlaces(await placesOnTheWay(directory, look), [
    { uid, name: "the agent's user" },
  ]);
  if (distrust.length > 0)
    refuse(
      distrust.map(({ path: place, found: what }) => `${place} has ${what}`).join(", and "),
      distrust.map(({ remedy }) => remedy).join(" && "),
    );
  // Left by somebody who died between two calls, or about to be taken away by one who lives.
  for (const name of (await readdir(directory)).filter((one) => ours.test(one)))
    await unlink(path.join(directory, name)).catch(() => undefined);
}
