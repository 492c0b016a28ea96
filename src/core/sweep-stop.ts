import { ownTags } from "./copied-tags.ts";
import type { Tags } from "./instance.ts";
import { maxTags } from "./point-tags.ts";
import type { Consistency } from "./retention-policy.ts";
import type { InstanceState } from "./sweep-ports.ts";

/**
 * A sweep that means to stop an instance says so by a tag on it before it does, and takes the tag off once the instance
 * runs again: whoever finds it later knows who stopped the instance, and starts it. Each sweep has a key of its own, so
 * that none writes over another's: EC2 compares nothing before it writes a tag.
 */
export const stopPrefix = "ec2-backup:stopped-by.";

/** The metric that sweeps tell of an account and Region: how many instances are off since a sweep has stopped them. */
export const stoppedMetric = "StoppedInstances";

export interface StopIntent {
  readonly key: string;
  readonly value: string;
  /** Of the sweep. */
  readonly run: string;
  /** By EC2's clock: the sweep stops the instance after this, if it does. */
  readonly since: Date;
  /** How long it has to start it again; then others do. */
  readonly until: Date;
}

/** An instance as it is right now. */
export interface SeenInstance {
  readonly id: string;
  readonly state: InstanceState;
  readonly tags: Tags;
  readonly type: string;
  readonly group?: string;
  /** EC2's word for what is no ordinary purchase: `spot`, `scheduled`, `capacity-block`. */
  readonly lifecycle?: string;
  readonly rootStore: boolean;
  readonly hibernates: boolean;
  /** A public address that is not the account's own. */
  readonly borrowedAddress?: string;
  /** The service that manages it. */
  readonly operator?: string;
  /** When somebody last had it stopped, as far as EC2 tells. */
  readonly stoppedAt?: Date;
  /** Why it is in its state. */
  readonly reason?: string;
  /** EC2's clock. */
  readonly asOf: Date;
}

/** EC2 as far as stopping and starting go. Throws BackupError. */
export interface StopService {
  look(id: string, signal: AbortSignal): Promise<SeenInstance>;
  /** Asks EC2 whether it would stop and start the instance. Throws what it is refused with. */
  rehearse(id: string, signal: AbortSignal): Promise<void>;
  /** Whether a type of instance has disks of its own, which are empty after a stop. */
  hasStores(type: string, signal: AbortSignal): Promise<boolean>;
  mark(id: string, intent: StopIntent, signal: AbortSignal): Promise<void>;
  /** A tag that says something else by now stays. */
  unmark(id: string, intents: readonly StopIntent[], signal: AbortSignal): Promise<void>;
  /** Whether it is known that somebody else had stopped it before. */
  stop(id: string, signal: AbortSignal): Promise<"asked" | "others">;
  start(id: string, signal: AbortSignal): Promise<void>;
}

/**
 * The instant after which a sweep stops an instance that it has looked at then: halfway to its next look, which comes
 * before the stop. Who stopped it earlier was somebody else.
 */
export function noStopBefore(asOf: Date, settle: number): Date {
  return new Date(asOf.getTime() + settle / 2);
}

/** An intent names its instance: a tag that is copied to another instance says nothing of that one. */
export function intentOf(run: string, id: string, since: Date, until: Date): StopIntent {
  const value = `${since.toISOString()} ${until.toISOString()} ${id}`;
  return { key: `${stopPrefix}${run}`, value, run, since, until };
}

/** No sweep has so long: what says so was not written by one. Milliseconds. */
const longest = 2 * 86_400_000;

/** The intents on an instance; what cannot be read, or is of another instance, is none. */
export function readIntents({ id, tags }: Pick<SeenInstance, "id" | "tags">): readonly StopIntent[] {
  return Object.entries(tags).flatMap(([key, value]) => {
    if (!key.startsWith(stopPrefix)) return [];
    const [since = "", until = "", named, ...rest] = value.split(" ");
    const [from, to] = [Date.parse(since), Date.parse(until)];
    const readable = to >= from && to - from <= longest && named === id && rest.length === 0;
    const run = key.slice(stopPrefix.length);
    return readable ? [{ key, value, run, since: new Date(from), until: new Date(to) }] : [];
  });
}

/** Why an instance is not to be stopped for a backup; absent where it may be. `self`: the one that the sweep runs on. */
export function whyNotStopped(
  seen: SeenInstance,
  { self, stores }: { readonly self: string | undefined; readonly stores: boolean },
): string | undefined {
  const { state, group, lifecycle, operator, borrowedAddress } = seen;
  if (state !== "running") return `it is ${state}`;
  if (seen.id === self) return "the sweep runs on it";
  if (group !== undefined) return `its Auto Scaling group ${group} would replace it`;
  if (lifecycle !== undefined) return `it is a ${lifecycle} instance, which EC2 need not start again`;
  if (operator !== undefined) return `${operator} manages it`;
  if (seen.rootStore) return "its root device is an instance store";
  if (stores) return `the instance stores of its type (${seen.type}) are empty after a stop`;
  if (borrowedAddress !== undefined)
    return `its public address ${borrowedAddress} is no Elastic IP address and would change`;
  if (seen.hibernates)
    return "it may be hibernated, and AWS advises against snapshots of the volumes of such instances";
  if (ownTags(seen.tags) >= maxTags)
    return `it has ${maxTags} tags, so none can say that a sweep has stopped it; take one off`;
  return undefined;
}

/**
 * Whether the sweep of that intent may stop the instance: it has just been looked at again. Of two sweeps the one with
 * the earlier intent may. `prompt`: the intent was written so quickly that who wrote a later one saw it in time.
 */
export function whyNotNow(
  seen: Pick<SeenInstance, "id" | "tags" | "state" | "asOf">,
  own: StopIntent,
  prompt: boolean,
): string | undefined {
  const intents = readIntents(seen);
  if (!intents.some(({ key, value }) => key === own.key && value === own.value))
    return "the tag that says so is not seen";
  if (seen.state !== "running") return `it is ${seen.state} by now`;
  const rival = intents.find(
    (one) => one.key !== own.key && isLive(one, seen.asOf) && !(prompt && isBefore(own, one)),
  );
  return rival === undefined ? undefined : `another sweep is about to stop it (${rival.run})`;
}

function isBefore(one: StopIntent, other: StopIntent): boolean {
  const between = one.since.getTime() - other.since.getTime();
  return between === 0 ? one.run < other.run : between < 0;
}

/** Whether the sweep that wrote it is still to be left alone. */
export function isLive({ until }: StopIntent, now: Date): boolean {
  return until > now;
}

/**
 * What becomes of an instance that bears intents. `start`: a sweep has stopped it and is gone. `wait`: it is on its way
 * to running or to being stopped. `clear`: it runs, or others have stopped it. `leave`: a sweep is about it.
 */
export type StopStep = "none" | "leave" | "start" | "wait" | "clear";

/** EC2 tells full seconds, and a request may be on its way for a while. Milliseconds. */
const leeway = { before: 1_000, after: 60_000 };

export function stopStep(seen: Pick<SeenInstance, "id" | "tags" | "state" | "stoppedAt" | "asOf">): StopStep {
  const intents = readIntents(seen);
  if (intents.length === 0) return "none";
  if (intents.some((one) => isLive(one, seen.asOf))) return "leave";
  if (seen.state === "running") return "clear";
  if (seen.state === "pending" || seen.state === "stopping") return "wait";
  if (seen.state !== "stopped") return "none";
  return isByOthers(seen.stoppedAt, intents) ? "clear" : "start";
}

/** Whether it was stopped when no sweep could have done it. Where EC2 does not tell when, a sweep did it. */
function isByOthers(at: Date | undefined, intents: readonly StopIntent[]): boolean {
  if (at === undefined) return false;
  return intents.every(
    ({ since, until }) =>
      at.getTime() < since.getTime() - leeway.before || at.getTime() > until.getTime() + leeway.after,
  );
}

/**
 * EC2 cuts an instance off that has not shut down "within a few minutes", and does not tell. What was quicker has
 * unmounted its filesystems. Milliseconds.
 */
const surelyShutDown = 120_000;

/** What a set deserves that was captured of an instance which took so long to stop. */
export function consistencyOfStop(ms: number): Consistency {
  return ms <= surelyShutDown ? "filesystem" : "crash";
}
