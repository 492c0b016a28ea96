import { mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";

/** Names of what a server was sent and has not confirmed. */
export interface Unconfirmed {
  add(name: string): void;
  names(): readonly string[];
  drop(name: string): void;
}

/**
 * Kept as empty files of a directory, each in one system call, which is made before this returns: it is known also to
 * who comes after a process that was killed. Where it cannot be kept, nobody clears up by it, which is the safe side.
 */
export function unconfirmedAt(directory: string): Unconfirmed {
  return {
    add(name) {
      try {
        mkdirSync(directory, { recursive: true, mode: 0o700 });
        writeFileSync(path.join(directory, name), "", { mode: 0o600 });
      } catch {}
    },
    names() {
      try {
        return readdirSync(directory);
      } catch {
        return [];
      }
    },
    drop: (name) => rmSync(path.join(directory, name), { force: true }),
  };
}
