import { readFileSync } from "node:fs";

/** Bytes that a process must have moved for it to count as alive: it asks for names and tries again for ever. */
const moved = 1024 * 1024;

/** Tells a process that works from one that only goes on. */
export interface IdleWatch {
  /** Looks at a line that the process has printed. */
  saw(line: string): void;
  /** Notes that something has moved. */
  touch(): void;
  /** Milliseconds for which nothing has moved. */
  idle(): number;
}

/** `pid` is looked at for the bytes that it reads and writes, on Linux. */
export function idleWatch(pid: number): IdleWatch {
  let last = performance.now();
  let before = "";
  let bytes = bytesOf(pid) ?? 0;
  const touch = (): void => {
    last = performance.now();
  };
  return {
    touch,
    saw(line) {
      const now = substanceOf(line);
      if (now === before) return;
      before = now;
      touch();
    },
    idle() {
      const now = bytesOf(pid);
      if (now !== undefined && now - bytes >= moved) {
        bytes = now;
        touch();
      }
      return performance.now() - last;
    },
  };
}

/** What of a line of progress changes only if something has moved: not the time that it took. */
function substanceOf(line: string): string {
  if (line.startsWith("[")) return line.replace(/^\[[\d:]+\]\s*/, "");
  if (!line.startsWith('{"message_type":"status"')) return `${line.length} ${line.slice(0, 200)}`;
  return line.replace(/"seconds_(?:elapsed|remaining)":[^,}]*,?/g, "");
}

/** Bytes read and written, also over the network. */
function bytesOf(pid: number): number | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/io`, "latin1");
    const of = (name: string): number => Number(new RegExp(`^${name}: (\\d+)$`, "m").exec(text)?.[1] ?? 0);
    return of("rchar") + of("wchar");
  } catch {
    return undefined;
  }
}
