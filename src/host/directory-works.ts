import { constants } from "node:fs";
import { mkdir, open, readdir, rm, stat } from "node:fs/promises";
import path from "node:path";
import { BackupError } from "../core/errors.ts";
import { codeOf, makeDirectory, readJson, replaceFile } from "./atomic-file.ts";
import { isAlive, type ProcessIdentity, processOf } from "./process-identity.ts";

/** What is noted of a copy while it is under way. */
export interface WorkNote {
  readonly work: string;
  readonly region: string;
  readonly volume?: string;
  readonly instance?: string;
}

/** A private directory of one copy, with its keys and its note. */
export interface WorkDirectory {
  readonly path: string;
  note(more: { readonly volume: string; readonly instance: string }): Promise<void>;
  /** Takes it away, with all that is in it. */
  end(): Promise<void>;
}

const noteFile = "note.json";

/** Makes the directory of a copy; `place` is a directory of the state. */
export async function beginWork(place: string, first: WorkNote, pid: number): Promise<WorkDirectory> {
  const directory = path.join(place, first.work);
  const doing = `make ${directory}`;
  try {
    await makeDirectory(place);
    await mkdir(directory, { mode: 0o700 });
  } catch (error) {
    throw new BackupError({
      kind: "cannot-write",
      doing,
      found: codeOf(error),
      remedy: "set STATE_DIRECTORY to a directory of yours",
    });
  }
  const file = path.join(directory, noteFile);
  let note: object = { ...first, process: processOf(pid) };
  const write = () => replaceFile(file, `${JSON.stringify(note)}\n`);
  await write();
  return {
    path: directory,
    async note(more) {
      note = { ...note, ...more };
      await write();
    },
    end: () => rm(directory, { recursive: true, force: true }),
  };
}

/** Copies that were killed: nobody is left who works in their directories. */
export async function deadWorks(place: string): Promise<readonly WorkNote[]> {
  const names = await readdir(place).catch(() => []);
  const dead: WorkNote[] = [];
  for (const work of names) {
    const note = (await readJson(path.join(place, work, noteFile))) as
      | (Partial<WorkNote> & { readonly process?: ProcessIdentity })
      | undefined;
    if (note?.process !== undefined && isAlive(note.process)) continue;
    // One that is just beginning has no note yet.
    if (note === undefined && !(await isOld(path.join(place, work)))) continue;
    const { region = "", volume, instance } = note ?? {};
    dead.push({ work, region, ...(volume && { volume }), ...(instance && { instance }) });
  }
  return dead;
}

/** Milliseconds for a copy to begin. */
const beginning = 600_000;

async function isOld(directory: string): Promise<boolean> {
  const found = await stat(directory).catch(() => undefined);
  return found !== undefined && Date.now() - found.mtimeMs > beginning;
}

/** Takes the directory of a dead copy away. */
export async function forgetWork(place: string, work: string): Promise<void> {
  await rm(path.join(place, path.basename(work)), { recursive: true, force: true });
}

/** Whether somebody has a disk for himself: a mount, LVM, md, swap. */
export async function isHeld(disk: string): Promise<boolean> {
  try {
    await (await open(disk, constants.O_RDONLY | constants.O_EXCL)).close();
    return false;
  } catch {
    return true;
  }
}
