import { closeSync, fsyncSync, mkdirSync, openSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { ClockState } from "./clock.ts";
import type { SavedPlaces } from "./places.ts";

/** What is saved. */
export interface Saved extends SavedPlaces {
  version: 1;
  clock: ClockState;
}

/** A state directory that cannot be used, and why. */
class StoreError extends Error {}

/** Keeps the state in a directory. */
export interface Store {
  /** What an earlier simulator left, or undefined. @throws StoreError when it cannot be read. */
  load(): Saved | undefined;
  /** Writes all of it at once: after a crash either the old or the new state is there. */
  save(saved: Saved): void;
}

/** @param directory made when it is not there. @throws StoreError */
export function createStore(directory: string): Store {
  const path = join(directory, "state.json");
  try {
    mkdirSync(directory, { recursive: true });
  } catch (error) {
    throw new StoreError(`cannot make the state directory ${directory}: ${(error as Error).message}`);
  }
  return {
    load() {
      let content: string;
      try {
        content = readFileSync(path, "utf8");
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
        throw new StoreError(`cannot read ${path}: ${(error as Error).message}`);
      }
      try {
        const saved = JSON.parse(content) as Saved;
        if (saved.version === 1) return saved;
      } catch {
        // Told below, together with a state of another version.
      }
      throw new StoreError(`${path} is not the state of this simulator; remove it to start anew`);
    },
    save(saved) {
      const temporary = `${path}.new`;
      const file = openSync(temporary, "w", 0o600);
      try {
        writeFileSync(file, JSON.stringify(saved));
        fsyncSync(file);
      } finally {
        closeSync(file);
      }
      renameSync(temporary, path);
    },
  };
}
