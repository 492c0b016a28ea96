import { directoryWorkTags } from "../core/directory.ts";
import type { DirectoryPlaces, DiskHost, LeftOver } from "../core/directory-ports.ts";
import { BackupError, failureOf, sentenceOf } from "../core/errors.ts";
import type { Tags } from "../core/instance.ts";
import { hostKeysOf } from "../core/known-hosts.ts";
import { clearWork } from "./clear-works.ts";
import type { DirectoryDeps } from "./directory-deps.ts";
import type { ThrowAwayPlan } from "./plan-throw-away.ts";
import { answered, never, until } from "./restore-deps.ts";

const minute = 60_000;

/** For how long what was made is taken to be in use; renewed at a third of that. */
const leaseFor = 30 * minute;

/** What is reached by ssh once it runs. */
export interface Reach {
  readonly publicKey: string;
  /** Name of the instance's lines in known_hosts. */
  readonly name: string;
  /** Waits until it lets us in. */
  readonly login: (
    machine: { readonly instance: string; readonly address: string; readonly hostKeys: readonly string[] },
    signal: AbortSignal,
  ) => Promise<DiskHost>;
}

/**
 * Starts an instance, lets something be done with it, and always takes it, its key pair and its security group away
 * again, also when told to stop. What could not be removed is told in the failure, or thrown after a success.
 */
export async function withThrowAway<T>(
  plan: ThrowAwayPlan,
  reach: Reach,
  deps: DirectoryDeps & { readonly places: DirectoryPlaces },
  signal: AbortSignal,
  use: (host: DiskHost) => Promise<T>,
): Promise<T> {
  let outcome: { readonly value: T } | { readonly error: unknown };
  const stop = new AbortController();
  const renewing = renew(deps, stop.signal);
  let unseen: string | undefined;
  const begun = (instance: string | undefined): void => {
    unseen = instance;
  };
  try {
    outcome = { value: await use(await start(plan, reach, deps, signal, begun)) };
  } catch (error) {
    outcome = { error };
  }
  stop.abort();
  await renewing;
  deps.tell("removing the throw-away instance");
  const clearing = { ...deps, inUse: () => Promise.resolve(false) };
  const left = await clearWork(deps.work, clearing, never, unseen);
  if (left.length === 0) {
    if ("error" in outcome) throw outcome.error;
    return outcome.value;
  }
  const failure =
    "error" in outcome
      ? failureOf(outcome.error, "copy the directory")
      : { kind: "refused" as const, doing: "clean up", found: "all else is done" };
  throw new BackupError({
    ...failure,
    found: `${failure.found}; and ${left.join("; ")}`,
    remedy: "`ec2-backup directory --clean-up` removes it; the instance ends itself within a day",
  });
}

function workTags({ work, clock }: DirectoryDeps): Tags {
  const lease = new Date(clock.now().getTime() + leaseFor).toISOString();
  return { [directoryWorkTags.work]: work, [directoryWorkTags.lease]: lease, Name: "ec2-backup directory" };
}

/** Tells of the instance when it has begun, and of none once EC2 shows it. */
async function start(
  plan: ThrowAwayPlan,
  reach: Reach,
  deps: DirectoryDeps & { readonly places: DirectoryPlaces },
  signal: AbortSignal,
  begun: (instance: string | undefined) => void,
): Promise<DiskHost> {
  const { places, work, tell } = deps;
  const name = `ec2-backup-${work}`;
  const tags = workTags(deps);
  // Requests that make something are not cut short: what they have made must be known to be removed.
  tell("making a key pair and a security group");
  await answered("import the key pair", deps, signal, () =>
    places.importKey(name, reach.publicKey, tags, never),
  );
  const description = "ec2-backup directory: goes when the copy ends";
  const group = await answered("make the security group", deps, signal, () =>
    places.makeGroup({ name, vpc: plan.vpc, description, tags }, never),
  );
  await seen("open the security group", deps, signal, () => places.open(group, plan.port, plan.from, never));
  tell(`starting an instance (${plan.type}, ${plan.image}) in ${plan.zone}`);
  const userData = `#!/bin/sh\nshutdown -P +${plan.lifetime}\n`;
  const machine = { ...plan, group, key: name, userData, tags, clientToken: work };
  const instance = await seen("launch the throw-away instance", deps, signal, () =>
    places.launch(machine, never),
  );
  begun(instance);
  const address = await running(instance, deps, signal);
  begun(undefined);
  tell(`waiting for the console of ${instance} to show its host key`);
  const hostKeys = await hostKeysShown(instance, reach.name, deps, signal);
  tell(`logging in to ${address}`);
  return reach.login({ instance, address, hostKeys }, signal);
}

/** What was made a moment ago may not be seen by all of EC2 yet. */
function seen<T>(
  doing: string,
  deps: DirectoryDeps,
  signal: AbortSignal,
  send: () => Promise<T>,
): Promise<T> {
  return until(
    doing,
    deps.waits.visibleFor,
    deps,
    signal,
    async () => {
      try {
        return { answer: await send() };
      } catch (error) {
        const fresh = ["InvalidGroup.NotFound", "InvalidKeyPair.NotFound"];
        if (error instanceof BackupError && fresh.includes(error.code ?? "")) return undefined;
        throw error;
      }
    },
    deps.waits.poll * 5,
  ).then(({ answer }) => answer);
}

/** Its address once it runs. */
async function running(
  instance: string,
  deps: DirectoryDeps & { readonly places: DirectoryPlaces },
  signal: AbortSignal,
): Promise<string> {
  const doing = `wait for ${instance} to run`;
  return until(doing, deps.waits.availableFor, deps, signal, async () => {
    const now = await deps.places.addressOf(instance, signal);
    if (now === undefined || now.state === "pending") return undefined;
    if (now.state === "running") return now.address;
    throw new BackupError({
      kind: "refused",
      doing,
      found: `it is ${now.state}${now.reason === undefined ? "" : `: ${now.reason}`}`,
    });
  });
}

/** Minutes in which consoles show what they have. */
const consoleFor = 12 * minute;

async function hostKeysShown(
  instance: string,
  name: string,
  deps: DirectoryDeps & { readonly places: DirectoryPlaces },
  signal: AbortSignal,
): Promise<readonly string[]> {
  const doing = `learn the host key of ${instance} from its console`;
  try {
    return await until(doing, consoleFor, deps, signal, async () =>
      hostKeysOf(await deps.places.console(instance, signal), name),
    );
  } catch (error) {
    if (!(error instanceof BackupError) || error.code !== "TimeUp") throw error;
    throw new BackupError({
      kind: "unreachable",
      doing,
      found: `it has shown none within ${consoleFor / minute} min, so nobody who answers can be believed`,
      remedy: "try again, or with another image: its cloud-init must write the host keys to the console",
      code: "TimeUp",
    });
  }
}

/** Keeps what was made from looking like a left-over. */
async function renew(
  deps: DirectoryDeps & { readonly places: DirectoryPlaces },
  signal: AbortSignal,
): Promise<void> {
  for (;;) {
    await deps.clock.sleep(leaseFor / 3, signal);
    if (signal.aborted) return;
    const lease = new Date(deps.clock.now().getTime() + leaseFor).toISOString();
    try {
      const all: readonly LeftOver[] = await deps.places.leftOvers(signal);
      await deps.places.renew(
        all.filter(({ work }) => work === deps.work),
        lease,
        signal,
      );
    } catch (error) {
      if (signal.aborted) return;
      deps.tell(`the lease is not renewed: ${sentenceOf(failureOf(error, "renew it"))}`);
    }
  }
}
