import type { Call } from "./call-log.ts";
import { changeImages } from "./change-images.ts";
import { changeInstances } from "./change-instances.ts";
import { changeKeys } from "./change-keys.ts";
import { changeSettings } from "./change-settings.ts";
import { changeSnapshots } from "./change-snapshots.ts";
import { changeVolumes } from "./change-volumes.ts";
import { ControlError } from "./control-error.ts";
import { parseDuration } from "./duration.ts";
import { type Fault, faultsCheck } from "./faults.ts";
import { exchangeWithGuest, type GuestReport, type GuestView } from "./guest.ts";
import { placeId, savedPlaces } from "./places.ts";
import type { Runtime } from "./runtime.ts";
import type { Scenario } from "./scenario.ts";
import { readScenario } from "./scenario-check.ts";
import { confirmSubscriptions } from "./sns/confirm-subscriptions.ts";
import type { Delivery } from "./sns/topic.ts";
import type { World } from "./world.ts";

/**
 * How the world outside is changed and looked at, over HTTP or from within the process. Every method throws a
 * ControlError for what makes no sense. What concerns one place concerns the scenario's own, or the one that is named
 * as `111122223333/eu-central-1`.
 */
export interface Control {
  /** The calls after the one with that number (default: all). */
  calls(since?: number): Call[];
  /** The same, waiting up to so many milliseconds until one of them has ended. */
  waitForCalls(since: number, milliseconds: number): Promise<Call[]>;
  /** Moves simulated time forward, by a duration or to an instant. */
  clock(move: { advance?: string | number; set?: string }): Promise<{ now: string }>;
  /** Adds faults, or replaces those in force. */
  faults(faults: readonly Fault[], replace?: boolean): void;
  clearFaults(): void;
  pendingFaults(): { fault: Fault; left: number | null }[];
  /** All of the state; what time has done by now is done. Further places are told by their ids, or the one named alone. */
  state(place?: string): Promise<State>;
  /** Of every place, unless one is named. */
  settings(change: unknown, place?: string): Promise<void>;
  volumes(changes: unknown, place?: string): Promise<string[]>;
  instances(changes: unknown, place?: string): Promise<string[]>;
  snapshots(changes: unknown, place?: string): Promise<string[]>;
  images(changes: unknown, place?: string): Promise<string[]>;
  /** What an instance's kernel has, and what it should have: see `exchangeWithGuest`. */
  guest(report: GuestReport): Promise<GuestView>;
  /** KMS keys: `create`, or `change` of state, policy or aliases. */
  keys(changes: unknown, place?: string): Promise<string[]>;
  /** Confirms subscriptions in the place of those who own the endpoints. @returns their ARNs. */
  confirm(endpoint: string, place?: string): Promise<string[]>;
  /** The messages of SNS after the one with that number, once all that could be sent is sent. */
  deliveries(since?: number, place?: string): Promise<Delivery[]>;
  /** Back to the beginning of the scenario, or of another one. */
  reset(scenario?: Scenario): void;
}

/** What is so at a place, when, and at the further places. */
type State = World & { now: string; elapsed: number; places?: Record<string, World> };

/** The control of a running simulator. */
export function createControl(runtime: Runtime): Control {
  const changing = async <T>(change: () => T): Promise<T> => {
    await runtime.settle();
    try {
      return change();
    } finally {
      for (const world of runtime.places.all) runtime.changed(world);
      runtime.save();
    }
  };
  const at = (place: string | undefined): World => {
    const world = place === undefined ? runtime.places.home : runtime.places.named(place);
    if (world !== undefined) return world;
    const known = runtime.places.all.map(placeId).join(", ");
    throw new ControlError(`place: there is no ${JSON.stringify(place)} (known: ${known})`);
  };
  return {
    calls: (since = 0) => runtime.calls.since(since),
    waitForCalls: (since, milliseconds) => runtime.calls.waitSince(since, milliseconds),
    clock: async (move) => {
      moveClock(runtime, move);
      await changing(() => undefined);
      await runtime.deliver();
      return { now: new Date(runtime.clock.now()).toISOString() };
    },
    faults(faults, replace = false) {
      const wrong = faultsCheck(faults, "faults");
      if (wrong.length > 0) throw new ControlError(wrong.join("\n"));
      runtime.faults.arm(faults, replace);
    },
    clearFaults: () => runtime.faults.clear(),
    pendingFaults: () => runtime.faults.pending(),
    state: async (place) => {
      await runtime.settle();
      const { clock, places } = runtime;
      const { world, ...further } = place === undefined ? savedPlaces(places) : { world: at(place) };
      return {
        now: new Date(clock.now()).toISOString(),
        elapsed: clock.elapsed(),
        ...structuredClone({ ...world, ...further }),
      };
    },
    settings: (change, place) =>
      changing(() => changeSettings(place === undefined ? runtime.places.all : [at(place)], change)),
    volumes: (changes, place) => changing(() => changeVolumes(at(place), changes, runtime.clock.now())),
    instances: (changes, place) => changing(() => changeInstances(at(place), changes, runtime.clock.now())),
    snapshots: (changes, place) => changing(() => changeSnapshots(at(place), changes, runtime.clock.now())),
    images: (changes, place) => changing(() => changeImages(at(place), changes, runtime.clock.now())),
    // Not kept each time: it comes many times a second and only tells what is so anyway.
    guest: async (report) => {
      await runtime.settle();
      const { home } = runtime.places;
      runtime.changed(home);
      return exchangeWithGuest(home, report);
    },
    keys: (changes, place) => changing(() => changeKeys(at(place), changes, runtime.clock.now())),
    confirm: (endpoint, place) => changing(() => confirmSubscriptions(at(place), endpoint)),
    deliveries: async (since = 0, place) => {
      await runtime.settle();
      await runtime.deliver();
      return structuredClone(at(place).deliveries.filter((delivery) => delivery.number > since));
    },
    reset: (scenario) => runtime.reset(scenario === undefined ? undefined : readScenario(scenario)),
  };
}

function moveClock(runtime: Runtime, move: { advance?: string | number; set?: string }): void {
  const advance = move.advance === undefined ? 0 : parseDuration(move.advance);
  const instant = move.set === undefined ? runtime.clock.now() : Date.parse(move.set);
  if (advance === undefined)
    throw new ControlError(`advance: expected a duration such as 24h, got ${JSON.stringify(move.advance)}`);
  if (Number.isNaN(instant))
    throw new ControlError(`set: expected an ISO 8601 instant, got ${JSON.stringify(move.set)}`);
  if (move.set !== undefined && instant < runtime.clock.now())
    throw new ControlError("set: the simulated clock never goes backwards");
  if (move.set !== undefined) runtime.clock.set(instant);
  runtime.clock.advance(advance);
}
