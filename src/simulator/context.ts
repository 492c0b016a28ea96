import type { ByteStore } from "./bytes.ts";
import type { Fault } from "./faults.ts";
import type { Permission } from "./identity-policies.ts";
import type { Places } from "./places.ts";
import type { Credential, World } from "./world.ts";

/** What an action is carried out with. */
export interface Context {
  /** The account and Region that the call concerns. */
  readonly world: World;
  readonly places: Places;
  /** Simulated milliseconds since the epoch. */
  readonly now: number;
  /** Milliseconds on the clock's `elapsed` hand. */
  readonly elapsed: number;
  readonly principal: Credential;
  /** Where the simulator listens, without a slash at the end. */
  readonly url: string;
  readonly bytes: ByteStore;
  /** Faults that act while the call is executed. */
  readonly faults: readonly Fault[];
  /** Told the permissions that the call needs, whoever calls. */
  readonly asked?: (permissions: readonly Permission[]) => void;
}

/** The fault of a kind that hit this call. */
export function faultOf(context: Context, kind: Fault["kind"]): Fault | undefined {
  return context.faults.find((fault) => fault.kind === kind);
}
