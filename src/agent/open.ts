import type { Identity } from "../aws/metadata.ts";
import { defaultWaits } from "../config/defaults.ts";
import type { Loaded } from "../config/load.ts";
import { interrupted } from "../core/errors.ts";
import type { Log } from "../core/ports.ts";
import type { Problem } from "../core/report.ts";
import { splayOf } from "../core/splay.ts";
import { systemClock } from "../host/clock.ts";
import { type InForce, inForce } from "./in-force.ts";
import type { Session } from "./session.ts";
import type { AgentOptions, Wish } from "./wish.ts";

/** An instance that is found, and the jobs that are in force on it. */
export interface Opened {
  readonly session: Session;
  readonly force: InForce;
}

/**
 * Finds the instance and decides which configuration is in force. `identified` is told as soon as the
 * instance is known, since what comes after may fail.
 */
export async function open(
  run: string,
  options: AgentOptions,
  signal: AbortSignal,
  wish: Partial<Pick<Wish, "splay" | "jobs" | "requestTimeout">> = {},
  identified: (identity: Identity) => void = () => undefined,
): Promise<Opened> {
  const { identify, openSession } = await import("./session.ts");
  const timeout = wish.requestTimeout ?? requestTimeout(options.loaded);
  const who = await whoAmI(identify, timeout, options, wish, signal);
  const { identity, notice } = who;
  identified(identity);
  if (wish.splay !== undefined) await spread(identity.instanceId, wish.splay, options.log, signal);
  const session = who.elsewhere
    ? await (await import("./elsewhere.ts")).openElsewhere(identity, run, timeout, options)
    : await openSession(identity, run, timeout, options, signal);
  const opened = await inForceHere(session, options);
  if (notice === undefined) return opened;
  return { session, force: { ...opened.force, problems: [notice, ...opened.force.problems] } };
}

/** Asks the metadata service who this is, unless the configuration says that this is a host outside EC2. */
async function whoAmI(
  identify: (timeout: number, signal: AbortSignal) => Promise<Identity>,
  timeout: number,
  options: AgentOptions,
  { jobs = [] }: Partial<Pick<Wish, "jobs">>,
  signal: AbortSignal,
): Promise<{ identity: Identity; elsewhere: boolean; notice?: Problem }> {
  const { loaded } = options;
  if (loaded.ok === true && loaded.file.config.host !== undefined) {
    const { identityOf } = await import("./elsewhere.ts");
    return { identity: await identityOf(loaded.file.config.host.name), elsewhere: true };
  }
  try {
    return { identity: await identify(timeout, signal), elsewhere: false };
  } catch (error) {
    return (await import("./elsewhere.ts")).elsewhereOr(error, options, jobs);
  }
}

async function inForceHere(session: Session, options: AgentOptions): Promise<Opened> {
  const written = { loaded: options.loaded, tags: session.discovery.instance.tags, flags: options.flags };
  const force = inForce(written);
  if (!force.faulty) return { session, force };
  const { fromLastGood } = await import("../config/read-last-good.ts");
  const { value, distrust } = await session.state.lastGood(options.self.uid);
  const lastGood = inForce({ ...written, lastGood: fromLastGood(value) });
  if (distrust === undefined) return { session, force: lastGood };
  return { session, force: { ...lastGood, problems: [...lastGood.problems, notBelieved(distrust)] } };
}

function notBelieved(found: string): Problem {
  return {
    severity: "error",
    kind: "configuration",
    doing: "use the last good configuration",
    found: `the last good configuration is not used: ${found}`,
    remedy: "see who else can write there; the next good run writes it anew",
    code: "FaultyConfiguration",
  };
}

/** The longest that any configured job allows one request; discovery has no job of its own. */
export function requestTimeout(loaded: Loaded): number {
  if (loaded.ok !== true) return defaultWaits.request;
  const { jobs } = resolvedWaits(loaded);
  return jobs.length === 0 ? defaultWaits.request : Math.max(...jobs);
}

function resolvedWaits(loaded: Loaded & { ok: true }): { jobs: number[] } {
  const force = inForce({ loaded, tags: {}, flags: {} });
  return { jobs: force.jobs.map((job) => job.waits.request) };
}

async function spread(seed: string, splay: number, log: Log, signal: AbortSignal): Promise<void> {
  const pause = splayOf(seed, splay);
  log("info", `starting in ${Math.round(pause / 1000)} s, this instance's offset within the splay`);
  await systemClock.sleep(pause, signal);
  if (signal.aborted) throw interrupted("wait for the splay");
}
