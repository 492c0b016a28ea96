import type { Status } from "../core/status.ts";
import { lastInstance, StateDirectory } from "../host/state.ts";

/**
 * What this host remembers. Asks the metadata service only for the instance id, since the state of
 * another instance (a cloned image) is not ours; without an answer the last known id is taken.
 */
export async function status(stateDirectory: string, signal: AbortSignal): Promise<Status> {
  const instance = await instanceId(stateDirectory, signal);
  if (instance === undefined) return { protection: "not protected", jobs: [] };
  const state = await StateDirectory.open(stateDirectory, instance);
  return {
    instance,
    protection: state.known ? "protected" : "not protected",
    jobs: state.jobs().map(({ job, report, note, newest }) => ({
      job,
      ...(newest === undefined ? {} : { newest }),
      ...(report === undefined ? {} : { report }),
      ...(note === undefined ? {} : { running: { run: note.run, since: note.at } }),
    })),
  };
}

async function instanceId(stateDirectory: string, signal: AbortSignal): Promise<string | undefined> {
  const { identify } = await import("./session.ts");
  const short = AbortSignal.any([signal, AbortSignal.timeout(3_000)]);
  const identity = await identify(3_000, short).catch(() => undefined);
  return identity?.instanceId ?? lastInstance(stateDirectory);
}
