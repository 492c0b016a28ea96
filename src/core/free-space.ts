import { type Finding, shellWord } from "./finding.ts";

/** What is left where something is written. */
export interface PlaceSpace {
  readonly place: Place;
  readonly directory: string;
  readonly bytes: number;
  readonly files?: number;
  /** Why the agent cannot write there: EROFS, EACCES. */
  readonly unwritable?: string;
}

/** `state`: a run that cannot write it makes no backup. The agent's own log only loses lines. */
export type Place = "state" | "log" | "system-log";

const places: Record<Place, { readonly what: string; readonly loss: string; readonly key?: string }> = {
  state: {
    what: "the agent's state",
    loss: "a run that cannot note what it does makes no backup (exit code 73)",
    key: "stateDirectory",
  },
  log: { what: "the agent's log", loss: "the log loses lines, and runs say so", key: "log.file.path" },
  "system-log": { what: "the system's log", loss: "once it is full, nothing tells what went wrong" },
};

const mebibyte = 1024 * 1024;
/** A run writes a few kilobytes; below this it may soon write none. */
const enough = 100 * mebibyte;
const least = mebibyte;
const enoughFiles = 1_000;
const leastFiles = 10;

/** Judges what is left. */
export function judgeSpace(space: PlaceSpace): Finding[] {
  const { place, directory, bytes, files, unwritable } = space;
  const { what, loss, key } = places[place];
  const word = shellWord(directory);
  const worst = place === "state" ? ({ severity: "error", kind: "cannot-write" } as const) : warning;
  if (unwritable !== undefined)
    return [
      {
        ...worst,
        what: `${directory} (${what}) cannot be written: ${unwritable}`,
        why: loss,
        ...(unwritable === "EROFS" ? { advice: "see the kernel's log: why is it read-only?" } : {}),
        command: unwritable === "EROFS" ? `findmnt --target ${word}` : `ls -ld ${word}`,
      },
    ];
  const empty = bytes < least || (files !== undefined && files < leastFiles);
  if (!empty && bytes >= enough && (files === undefined || files >= enoughFiles)) return [];
  const left =
    bytes < enough ? `${(bytes / mebibyte).toFixed(1)} MiB are free` : `${files} more files can be made`;
  return [
    {
      ...(empty ? worst : warning),
      what: `${left} at ${directory} (${what})`,
      why: loss,
      advice: `free some space${key === undefined ? "" : `, or name another place by ${key}`}`,
      command: `du -xhd1 ${word} | sort -h`,
    },
  ];
}

/** The log is where nobody answers. Whoever looked there by hand would wait as well. */
export function silentLog(file: string, found: string): Finding {
  const { what, loss, key } = places.log;
  return {
    ...warning,
    what: `${file} (${what}) cannot be written: ${found}`,
    why: loss,
    advice: `have its server answer, or name another place by ${key}`,
    command: "cat /proc/self/mounts",
  };
}

const warning = { severity: "warning" } as const;
