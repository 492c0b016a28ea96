import { composePage, type PageFacts } from "../core/compose-page.ts";
import { BackupError, failureOf } from "../core/errors.ts";
import type { JobFacts } from "../core/job-page.ts";
import type { RecoveryPoint } from "../core/recovery-point.ts";
import type { Problem } from "../core/report.ts";
import type { ReportPage } from "../core/report-page.ts";
import { readHistory } from "../core/run-history.ts";
import { unknownJobs } from "./in-force.ts";
import { volumesOf } from "./job-volumes.ts";
import { type Opened, open } from "./open.ts";
import { knownOf } from "./status.ts";
import type { AgentOptions } from "./wish.ts";

/** Gathers what AWS has and this host remembers, of the given jobs or of all. Changes nothing. */
export async function report(
  names: readonly string[],
  options: AgentOptions,
  signal: AbortSignal,
): Promise<ReportPage> {
  const { newRunId } = await import("./session.ts");
  const opened = await open(newRunId(), options, signal);
  const { session } = opened;
  const { instance } = session.discovery;
  const { points, images = [], asOf } = await session.engine.list({ instanceArn: instance.arn }, signal);
  const regular = await factsOf(names, points, opened, options);
  const facts = await withRepositories(regular, names, opened, options, signal);
  const beside = `${images.length} of images are no part of this page: ec2-backup list`;
  const problems =
    images.length === 0 ? facts.problems : [...facts.problems, notice("show all points", beside)];
  const whole: PageFacts = { ...facts, problems, asOf, agent: options.version };
  return withHolds(whole, opened, signal);
}

/** Most hosts have no repositories, and load nothing of them. */
async function withRepositories(
  facts: Awaited<ReturnType<typeof factsOf>>,
  names: readonly string[],
  opened: Opened,
  options: AgentOptions,
  signal: AbortSignal,
): Promise<typeof facts> {
  if (opened.force.settings.repositories === undefined) return facts;
  const { storedFacts } = await import("./stored-page.ts");
  return storedFacts(facts, names, opened, options, signal);
}

async function factsOf(
  names: readonly string[],
  points: readonly RecoveryPoint[],
  { session, force }: Opened,
  options: AgentOptions,
): Promise<Omit<PageFacts, "asOf" | "agent">> {
  const { discovery, state } = session;
  // A job that nobody asked for, of an instance without tag and file, is no promise.
  const configured = force.protection === "configured" ? force.jobs : [];
  const known = new Set([...configured.map(({ name }) => name), ...points.map(({ job }) => job)]);
  const unknown = unknownJobs(configured, names).filter((name) => !known.has(name));
  if (unknown.length > 0) throw noSuchJob(unknown, [...known]);
  const jobs: JobFacts[] = [];
  const taken = new Set<string>();
  const because = new Map<string, string>();
  for (const name of known) {
    const job = configured.find((one) => one.name === name);
    const selected = job && (await volumesOf(job, session, options));
    const chosen = selected?.chosen.map(({ volume }) => volume) ?? [];
    for (const { id } of chosen) taken.add(id);
    for (const one of selected?.left ?? []) because.set(one.volume.id, one.because);
    const remembered = state.job(name);
    jobs.push({
      name,
      ...(job && { job }),
      points: points.filter((point) => point.job === name),
      chosen,
      ...(remembered && { known: knownOf(remembered), history: readHistory(remembered.history) }),
    });
  }
  const left = discovery.volumes.filter(({ id }) => !taken.has(id));
  return {
    instance: discovery.instance,
    instanceStores: discovery.instanceStores,
    jobs: names.length === 0 ? jobs : jobs.filter(({ name }) => names.includes(name)),
    left: left.map(({ id, device }) => ({
      volume: id,
      device,
      because: because.get(id) ?? "no job is configured",
    })),
    problems: [...unconfigured({ session, force }), ...force.problems],
    unreadable: state.unreadable,
  };
}

function unconfigured({ session, force }: Opened): Problem[] {
  const { id } = session.discovery.instance;
  const facts = { kind: "configuration" as const, doing: `back up ${id}` };
  if (force.protection === "left-out")
    return [
      { ...facts, severity: "notice", found: `it is left out by its tag ${force.leftOutBy ?? "Backup"}` },
    ];
  if (force.protection === "configured") return [];
  const remedy = "add the tag Backup=yes to the instance, or write a configuration";
  return [{ ...facts, severity: "error", found: "it has neither a configuration nor a Backup tag", remedy }];
}

function noSuchJob(unknown: readonly string[], known: readonly string[]): BackupError {
  return new BackupError({
    kind: "usage",
    doing: `report on ${unknown.join(", ")}`,
    found: "neither the configuration nor any recovery point has such a job",
    remedy: known.length === 0 ? "there is none" : `there are ${known.join(", ")}`,
  });
}

/** As many snapshots are asked about, in pages of 200: a forecast is worth a few requests, not a hundred. */
const mostAsked = 800;

/**
 * The page, with what outside the points holds those that it expects to go: images and locks. Without an answer
 * the page stands, and says so.
 */
async function withHolds(facts: PageFacts, { session }: Opened, signal: AbortSignal): Promise<ReportPage> {
  const page = composePage(facts);
  const going = new Set(
    page.jobs
      .flatMap(({ points }) => points)
      .filter(
        ({ leaves, verdict }) => leaves !== undefined || verdict === "remove" || verdict === "postponed",
      )
      .map(({ id }) => id),
  );
  if (going.size === 0) return page;
  let room = mostAsked;
  const asked = facts.jobs
    .flatMap(({ points }) => points)
    .filter(({ id }) => going.has(id))
    .sort((a, b) => a.captured.getTime() - b.captured.getTime())
    .filter((point) => {
      room -= point.snapshots.length;
      return room >= 0;
    });
  const doing = "look for images and locks that hold points";
  try {
    const held = new Map((await session.engine.withHolds(asked, signal)).map((point) => [point.id, point]));
    const unheld = asked.length === going.size && asked.every((point) => held.get(point.id) === point);
    if (unheld) return page;
    const jobs = facts.jobs.map((job) => ({
      ...job,
      points: job.points.map((point) => held.get(point.id) ?? point),
    }));
    const found = `only the ${asked.length} oldest of the ${going.size} points that are to go were asked about`;
    const problems = asked.length === going.size ? [] : [notice(doing, found)];
    return composePage({ ...facts, jobs, problems: [...facts.problems, ...problems] });
  } catch (error) {
    if (signal.aborted) throw error;
    const { found } = failureOf(error, doing);
    return composePage({ ...facts, problems: [...facts.problems, notice(doing, found)] });
  }
}

function notice(doing: string, found: string): Problem {
  return { severity: "notice", kind: "unexpected", doing, found };
}
