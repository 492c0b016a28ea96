import { BackupError } from "../core/errors.ts";
import type { MachineService, MachineState } from "../core/machine-ports.ts";
import type { RestoreDeps, RestoreWaits } from "./restore-deps.ts";
import { until } from "./restore-deps.ts";

/** What restoring an instance needs of the world. */
export interface MachineDeps extends Omit<RestoreDeps, "disks"> {
  readonly machines: MachineService;
  readonly waits: RestoreWaits & MachineWaits;
}

/** Milliseconds. */
interface MachineWaits {
  /** For an instance to run, to stop or to be terminated, and for an image to be available. */
  readonly powerFor: number;
  /** For both status checks. */
  readonly healthFor: number;
}

/**
 * Looks until the instance is in the wanted state. Throws where it is gone or was terminated, with EC2's reason.
 * `meanwhile` is told every other state, to ask again for what EC2 may not have heard.
 */
export async function whenIn(
  wanted: MachineState["state"],
  id: string,
  deps: MachineDeps,
  signal: AbortSignal,
  meanwhile: (state: MachineState["state"]) => Promise<void> = () => Promise.resolve(),
): Promise<MachineState> {
  const { visibleFor, powerFor } = deps.waits;
  const doing = `wait for ${id} to be ${wanted}`;
  let seen = false;
  return until(doing, powerFor, deps, signal, async (elapsed) => {
    const [machine] = await deps.machines.machines([id], signal);
    if (machine === undefined) {
      if (seen || elapsed > visibleFor) throw gone(doing, "it is not there any more");
      return undefined;
    }
    seen = true;
    if (machine.state === wanted) return machine;
    if (machine.state === "terminated" || machine.state === "shutting-down")
      throw gone(doing, `it is ${machine.state}${machine.reason === undefined ? "" : `: ${machine.reason}`}`);
    await meanwhile(machine.state);
    return undefined;
  });
}

function gone(doing: string, found: string): BackupError {
  return new BackupError({
    kind: "refused",
    doing,
    found,
    remedy: "see what it says (a key that cannot be used is a common reason), then run this again",
    code: "InstanceGone",
  });
}

export function isLiving({ state }: Pick<MachineState, "state">): boolean {
  return state !== "terminated" && state !== "shutting-down";
}
