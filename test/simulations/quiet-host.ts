import type { RunDeps } from "../../src/actions/run-request.ts";
import { scripted } from "../actions/scripted-hooks.ts";

const never = () => Promise.reject(new Error("no run of a simulation asks for this"));

/** A host on which nothing happens but what a simulation is about: nothing is held, locked, written or told. */
export const quietHost = {
  images: never,
  snapshotLocks: never,
  copies: never,
  stores: never,
  log: () => undefined,
  locks: { take: async () => ({ release: async () => undefined }) },
  journal: {
    begin: async () => undefined,
    unfinished: () => undefined,
    marksOf: () => new Map(),
    storing: async () => undefined,
    stored: async () => undefined,
    unjudged: () => [],
  },
  audit: { append: async () => undefined },
  host: {
    mounts: async () => ({ mounts: [], doubts: [] }),
    occupied: async () => [],
    lying: async () => [],
    suspendPending: async () => undefined,
    hook: async ({ name }) => scripted({ name }, []).hook,
    freeze: () => scripted({ name: "freeze", kind: "freeze" }, []).hook,
    sync: async () => undefined,
  },
  leftOutByTag: () => undefined,
  progress: () => undefined,
} satisfies Omit<RunDeps, "engine" | "clock" | "newId">;
