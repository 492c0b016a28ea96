import { checkRepository } from "../actions/check-repository.ts";
import { initRepository } from "../actions/init-repository.ts";
import { type MirrorDeps, mirror } from "../actions/mirror.ts";
import { pruneRepository } from "../actions/prune-repository.ts";
import { unlockRepository } from "../actions/unlock-repository.ts";
import { type Done, reported, type UpkeepDeps, type UpkeepOrder } from "../actions/upkeep.ts";
import { repositoriesOf } from "../config/repositories.ts";
import { BackupError } from "../core/errors.ts";
import { largestGap } from "../core/largest-gap.ts";
import { type MirrorPolicy, policiesInForce } from "../core/mirror-plan.ts";
import type { Audit, HeldLock } from "../core/ports.ts";
import type { ElsewhereConsent } from "../core/prune-elsewhere.ts";
import { parseSchedule } from "../core/schedule.ts";
import type { RepositoryConfig, StoreProgress } from "../core/store-ports.ts";
import { type UpkeepReport, withSchedules, withUpkeep } from "../core/upkeep.ts";
import { errorsBeside, judgeUpkeep } from "../core/upkeep-status.ts";
import { appendLine } from "../host/atomic-file.ts";
import { systemClock } from "../host/clock.ts";
import { upkeepStates } from "../host/upkeep-state.ts";
import { writtenSettings } from "./configuration.ts";
import { inForce } from "./in-force.ts";
import { openStore, type StoreGround } from "./store-world.ts";
import { faultyConfiguration } from "./unusable-wish.ts";
import { type UpkeepHost, upkeepHost } from "./upkeep-host.ts";
import { lockAll, takenOver } from "./upkeep-lock.ts";
import { upkeepTeller } from "./upkeep-tell.ts";
import type { AgentOptions } from "./wish.ts";

/** What is to be done, with what only that needs. */
export type UpkeepWish =
  | { readonly action: "unlock" }
  | { readonly action: "init"; readonly anew: boolean }
  | { readonly action: "check"; readonly structureOnly: boolean; readonly removeEmpty: boolean }
  | { readonly action: "prune"; readonly forget?: ElsewhereConsent }
  | { readonly action: "mirror"; readonly allHosts: boolean; readonly yes: boolean };

export interface UpkeepOptions extends AgentOptions {
  /** By name; none = every one that it can be done with. */
  readonly repositories: readonly string[];
  readonly order: Omit<UpkeepOrder, "host">;
  readonly tell: (repository: string, progress: StoreProgress) => void;
}

/** Does it with one repository after the other. */
export async function upkeep(
  wish: UpkeepWish,
  options: UpkeepOptions,
  signal: AbortSignal,
): Promise<readonly UpkeepReport[]> {
  const { loaded } = options;
  if (loaded.ok === false) throw faultyConfiguration(inForce({ loaded, tags: {}, flags: {} }).problems);
  const all = repositoriesOf(writtenSettings(loaded));
  const chosen = chooseRepositories(wish.action, all, options.repositories);
  const host = await upkeepHost(options, signal);
  const reports: UpkeepReport[] = [];
  for (const config of chosen) {
    if (signal.aborted) break;
    reports.push(await keepUp(wish, config, { all, host, options }, signal));
  }
  return reports;
}

/** Those of the names; without one all that it can be done with. */
export function chooseRepositories(
  action: UpkeepWish["action"] | "list",
  all: readonly RepositoryConfig[],
  names: readonly string[],
): readonly RepositoryConfig[] {
  const doing = `${action} repositories`;
  if (all.length === 0)
    throw new BackupError({
      kind: "configuration",
      doing,
      found: "the configuration names no repository",
      remedy: "add one, such as repositories: { central: { url: …, passwordFile: … } }",
    });
  const known = all.map(({ name }) => name);
  const unknown = names.filter((name) => !known.includes(name));
  if (unknown.length > 0)
    throw new BackupError({
      kind: "usage",
      doing,
      found: `the configuration has no repository ${unknown.join(", ")}`,
      remedy: `its repositories are ${known.join(", ")}`,
    });
  if (names.length > 0) return all.filter(({ name }) => names.includes(name));
  if (action === "prune") return all.filter(({ appendOnly }) => !appendOnly);
  return action === "mirror" ? all.filter((one) => one.mirror !== undefined) : all;
}

interface Ground {
  readonly all: readonly RepositoryConfig[];
  readonly host: UpkeepHost;
  readonly options: UpkeepOptions;
}

/** One repository: alone on this host, remembered and told. */
async function keepUp(
  wish: UpkeepWish,
  config: RepositoryConfig,
  { all, host, options }: Ground,
  signal: AbortSignal,
): Promise<UpkeepReport> {
  const { stateDirectory, order, log } = options;
  const states = upkeepStates(stateDirectory, host.id);
  const held: HeldLock[] = [];
  const body = async (): Promise<Done> => {
    const locked = wish.action === "mirror" ? [config.name, config.mirror?.to ?? ""] : [config.name];
    if (!order.planned && wish.action !== "unlock")
      held.push(...(await lockAll(locked, config, options, signal)));
    else if (!order.planned) held.push(...(await takenOver(config, options)));
    const ground: StoreGround = {
      repositories: all,
      self: options.self,
      stateDirectory,
      ...(host.identity === undefined ? {} : { region: host.identity.region }),
    };
    const depsOf = async ({ name }: RepositoryConfig, stop: AbortSignal): Promise<UpkeepDeps> => ({
      store: await openStore(name, ground, stop),
      clock: systemClock,
      log,
      tell: (progress) => options.tell(name, progress),
      state: await states.read(name),
      copies: all.some(({ mirror }) => mirror?.to === name),
    });
    const audit: Audit = {
      append: (line) => appendLine(`${stateDirectory}/removals.jsonl`, JSON.stringify(line)),
    };
    const deps = { ...(await depsOf(config, signal)), audit };
    if (wish.action === "init") {
      const from = all.find(({ mirror }) => mirror?.to === config.name)?.name;
      const source = from === undefined ? undefined : await openStore(from, ground, signal);
      const { planned } = order;
      return initRepository(deps, { planned, anew: wish.anew, ...(source && { source }) }, signal);
    }
    if (wish.action !== "mirror")
      return perform(wish, deps, order, () => mirrorsTo(config, all, states), signal);
    const to = mirrorOf(config);
    const target = await openStore(to, ground, signal);
    const beside = all.filter((one) => one.name !== config.name && one.mirror?.to === to);
    const others = (stop: AbortSignal) => Promise.all(beside.map((one) => depsOf(one, stop)));
    const both: MirrorDeps = { ...deps, target, targetState: await states.read(to), others };
    const own = wish.allHosts || config.mirror?.hosts === "all" ? undefined : ownSeries(host);
    const { run, planned } = order;
    return mirror(both, { run, planned, yes: wish.yes, ...(own === undefined ? {} : { own }) }, signal);
  };
  try {
    const whole = { ...order, host: host.id };
    const { report, remember } = await reported(wish.action, config.name, whole, systemClock, body);
    const teller = upkeepTeller(host, options, signal);
    const before = await states.read(config.name);
    const now = systemClock.now();
    const lastGood =
      wish.action === "unlock" || wish.action === "init" ? undefined : before?.[wish.action]?.lastGood;
    const others = errorsBeside(judgeUpkeep(config, before, now), wish.action);
    const told = await teller(report, { others, ...(lastGood && { lastGood }) });
    if (!order.planned && report.outcome !== "skipped") {
      const after = withUpkeep(await states.read(config.name), told, remember);
      await states.write(withSchedules(after, config, now) ?? after);
    }
    return told;
  } finally {
    for (const lock of held) await lock.release();
  }
}

async function perform(
  wish: Exclude<UpkeepWish, { action: "mirror" | "init" }>,
  deps: UpkeepDeps & { readonly audit: Audit },
  { run, planned }: UpkeepOptions["order"],
  mirrors: () => Promise<readonly (readonly MirrorPolicy[])[]>,
  signal: AbortSignal,
): Promise<Done> {
  switch (wish.action) {
    case "unlock":
      return unlockRepository(deps, planned, signal);
    case "prune": {
      const forget = wish.forget && { ...wish.forget, mirrors: await mirrors() };
      return pruneRepository(deps, { run, planned, ...(forget && { forget }) }, signal);
    }
    case "check": {
      const gap = gapOf(deps.store.config);
      return checkRepository(deps, { ...wish, planned, gap }, signal);
    }
  }
}

/** What the mirrors to a repository keep its copies by now. */
function mirrorsTo(
  { name }: RepositoryConfig,
  all: readonly RepositoryConfig[],
  states: ReturnType<typeof upkeepStates>,
): Promise<readonly (readonly MirrorPolicy[])[]> {
  const sources = all.filter(({ mirror }) => mirror?.to === name);
  return Promise.all(
    sources.map(async ({ name: source, mirror }) => {
      const remembered = (await states.read(source))?.policies ?? [];
      return policiesInForce(mirror?.retention, remembered, systemClock.now()).policies;
    }),
  );
}

/** Milliseconds between two checks of the schedule; a week where there is none. */
function gapOf({ check, timezone }: RepositoryConfig): number {
  if (check === undefined) return 7 * 86_400_000;
  return largestGap(parseSchedule(check.schedule), timezone ?? "UTC", systemClock.now());
}

function mirrorOf({ name, mirror }: RepositoryConfig): string {
  if (mirror !== undefined) return mirror.to;
  throw new BackupError({
    kind: "configuration",
    doing: `mirror the repository ${name}`,
    found: "the configuration names no mirror of it",
    remedy: `add repositories.${name}.mirror: { to: … }`,
  });
}

function ownSeries({ arn }: UpkeepHost): string {
  if (arn !== undefined) return `${arn}/`;
  throw new BackupError({
    kind: "unreachable",
    doing: "tell which points are of this host",
    found: "the instance metadata does not answer",
    remedy: "try again, name the host in `host: { name: … }`, or copy the points of all hosts by --all-hosts",
  });
}
