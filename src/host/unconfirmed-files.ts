import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { bootId } from "./process-identity.ts";

/** Beginnings of the names of what a server was sent and has not confirmed. None of it ever throws. */
export interface Unconfirmed {
  add(name: string): void;
  names(): readonly string[];
  drop(name: string): void;
}

/** What restic prints of a name. */
const shape = /^[0-9a-f]{10}$/;

/**
 * Kept as small files of a directory, made before this returns: whoever comes after a process that was killed knows of it.
 * They hold for this boot of this machine, so that none of them is taken for its own by a clone. Where they cannot be
 * kept, as on other systems than Linux, nobody clears up by them, which is the safe side.
 */
export function unconfirmedAt(directory: string): Unconfirmed {
  const at = (name: string): string => path.join(directory, name);
  const unlessFails = <T>(otherwise: T, act: () => T): T => {
    try {
      return act();
    } catch {
      return otherwise;
    }
  };
  const isOurs = (name: string): boolean =>
    unlessFails(false, () => shape.test(name) && readFileSync(at(name), "utf8").trim() === bootId());
  return {
    add: (name) =>
      unlessFails(undefined, () => {
        mkdirSync(directory, { recursive: true, mode: 0o700 });
        writeFileSync(at(name), `${bootId()}\n`, { mode: 0o600 });
      }),
    names: () => unlessFails([], () => readdirSync(directory).filter(isOurs)),
    drop: (name) => unlessFails(undefined, () => rmSync(at(name), { force: true })),
  };
}
