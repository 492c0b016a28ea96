import { settleRoot } from "../actions/replace-root.ts";
import { type Connection, connect } from "../aws/connection.ts";
import { ec2Swaps } from "../aws/restore-replace.ts";
import { ec2Volumes } from "../aws/restore-volumes.ts";
import { type Failure, failureOf, sentenceOf } from "../core/errors.ts";
import type { Volume } from "../core/instance.ts";
import type { Job } from "../core/job.ts";
import type { RootTask, SwapService } from "../core/replace-ports.ts";
import { type RootMark, replaceTags, rootMarkIn } from "../core/replace-tags.ts";
import { type Problem, problemOf, type RunReport } from "../core/report.ts";
import type { RootNews } from "../core/root-news.ts";
import { judgeRoot, type RootVerdict } from "../core/root-verdict.ts";
import { systemClock } from "../host/clock.ts";
import { forgetRoot, rootNote } from "../host/root-note.ts";
import { failedReport } from "./failed-report.ts";
import { type Opened, requestTimeout } from "./open.ts";
import { routeOf } from "./route.ts";
import { tell } from "./tell.ts";
import type { AgentOptions, Outcome, Wish } from "./wish.ts";

/** What is known of a root replacement that this instance's tag tells of. */
export interface RootFound {
  /** Why nothing may be captured yet. */
  readonly unconfirmed?: Failure;
  readonly problems: readonly Problem[];
}

/** Milliseconds between looks and for all of them: whoever asks has other things to do. */
const waits = {
  poll: 100,
  retryFor: 10_000,
  visibleFor: 0,
  availableFor: 0,
  attachFor: 0,
  diskFor: 0,
  detachFor: 0,
  initializeFor: 0,
};

/** An order to replace this host's root volume, and what became of it so far. */
interface RootLook {
  readonly mark: RootMark;
  readonly verdict: RootVerdict;
  readonly swap: SwapService;
  readonly connection: Connection;
}

const doingFor = (instance: string) => `confirm the replacement of the root volume of ${instance}`;

/** Asks EC2 what became of the order that the instance's tag tells of, and changes nothing. */
async function lookAtRoot(
  { session }: Opened,
  options: AgentOptions,
  signal: AbortSignal,
): Promise<RootLook | { readonly unconfirmed: Failure } | undefined> {
  const { instance, volumes, asOf } = session.discovery;
  const mark = rootMarkIn(instance.tags);
  if (mark === undefined) return undefined;
  const doing = doingFor(instance.id);
  const locked = (found: string, remedy: string) => ({
    unconfirmed: { kind: "locked", doing, found, remedy, code: "RootNotConfirmed" } as const,
  });
  if (mark === "unreadable") {
    const remedy = `aws ec2 delete-tags --resources ${instance.id} --tags Key=${replaceTags.root}, if it is over`;
    return locked(`its tag ${replaceTags.root} cannot be read`, remedy);
  }
  if (mark.by === "stop") {
    const words = `ec2-backup restore replace root --instance ${instance.id} --stop --point ${mark.point} --yes, or --undo`;
    return locked(
      "it is being exchanged from another host, which has not come to its end",
      `there: ${words}`,
    );
  }
  const connection = connect({
    region: session.identity.region,
    requestTimeout: requestTimeout(options.loaded),
    route: routeOf(options.self.env),
    userAgent: [["ec2-backup-agent", options.version]],
  });
  const swap = ec2Swaps(connection, session.identity);
  let tasks: readonly RootTask[] | undefined;
  try {
    tasks = await swap.rootTasks(instance.id, signal);
  } catch (error) {
    const failure = failureOf(error, doing);
    // Who may not ask goes by the volume that is attached.
    if (failure.kind !== "denied") return { unconfirmed: failure };
  }
  const root = rootOf(volumes);
  const now = asOf ?? systemClock.now();
  return { mark, verdict: judgeRoot(mark, tasks, { instance: instance.id, root, now }), swap, connection };
}

const rootOf = (volumes: readonly Volume[]) => volumes.find((one) => one.root)?.id;

/**
 * Takes the tag of an order away once it is known what became of it, and tells that. The state of this host may be older
 * than the order, since it came with the root volume: it is not asked.
 */
export async function rootConfirmed(
  opened: Opened,
  options: AgentOptions,
  signal: AbortSignal,
): Promise<RootFound> {
  const look = await lookAtRoot(opened, options, signal);
  if (look === undefined) return { problems: [] };
  if ("unconfirmed" in look) return { ...look, problems: [] };
  const { mark, verdict, swap, connection } = look;
  const { instance, volumes } = opened.session.discovery;
  const deps = { swap, volumes: ec2Volumes(connection), clock: systemClock, waits };
  const here = { id: instance.id, device: instance.rootDevice, root: rootOf(volumes) };
  const notes = await settleRoot(verdict, mark, here, deps, signal);
  const told = tellingOf(verdict, mark.point, notes, doingFor(instance.id));
  if (told.unconfirmed === undefined) await forgetRoot(rootNote(options.stateDirectory, instance.id));
  return told;
}

/** What a host that has just booted says of an order; the next run confirms it and puts it into its report. */
export async function rootAtBoot(
  opened: Opened,
  options: AgentOptions,
  signal: AbortSignal,
): Promise<RootNews | undefined> {
  const look = await lookAtRoot(opened, options, signal);
  if (look === undefined) return undefined;
  if ("unconfirmed" in look) return { outcome: "waiting", found: sentenceOf(look.unconfirmed) };
  const { verdict, mark } = look;
  if (verdict.failure === undefined)
    return {
      outcome: "replaced",
      found: `the root volume of this host is now the one of point ${mark.point}`,
    };
  const outcome = verdict.outcome === "kept" ? "failed" : "waiting";
  return { outcome, found: sentenceOf(verdict.failure) };
}

function tellingOf(verdict: RootVerdict, point: string, notes: readonly string[], doing: string): RootFound {
  const { outcome, failure } = verdict;
  if (outcome === "waiting" || outcome === "unknown" || outcome === "detached")
    return { ...(failure && { unconfirmed: failure }), problems: [] };
  if (failure !== undefined) return { problems: [problemOf("error", failure)] };
  const found = `the root volume is the one of point ${point}; ${notes.join("; ")}`;
  return { problems: [problemOf("notice", { kind: "refused", doing, found, code: "RootReplaced" })] };
}

/** Says in the log what became of it; whoever restores goes on in any case. */
export async function reportRoot(opened: Opened, options: AgentOptions, signal: AbortSignal): Promise<void> {
  const { unconfirmed, problems } = await rootConfirmed(opened, options, signal);
  if (unconfirmed !== undefined) options.log("warn", sentenceOf(unconfirmed));
  for (const problem of problems) options.log(problem.severity === "error" ? "error" : "info", problem.found);
}

/** The reports of jobs that capture nothing as long as nobody knows which root volume this host will have. */
export async function refusedCapture(
  failure: Failure,
  jobs: readonly Job[],
  opened: Opened,
  wish: Wish,
  options: AgentOptions,
  signal: AbortSignal,
): Promise<Outcome> {
  const { session } = opened;
  const reports: RunReport[] = [];
  for (const { name } of jobs) {
    const report = failedReport(session.run, name, wish, failure, session);
    reports.push(await tell(report, opened, options, wish, signal));
  }
  return { reports };
}
