import { type Looked, lookInto, type Way } from "../actions/look-into.ts";
import type { RatedProgress } from "../actions/restore-file.ts";
import { BackupError } from "../core/errors.ts";
import type { CopyResult, FileEntry, FilesAct } from "../core/file-ports.ts";
import { besideOf, sourceOf } from "../core/file-target.ts";
import { attemptsFor, type PathAttempt } from "../core/path-volumes.ts";
import { rateOf, type Sample, withSample } from "../core/rate.ts";
import type { Choice } from "../core/restore-choice.ts";
import { restoreTags } from "../core/restore-plan.ts";
import type { PointQuery } from "../core/restore-query.ts";
import type { Undone } from "../core/restore-result.ts";
import { chosenSnapshots } from "../core/restore-selection.ts";
import { cloneFiles } from "../host/clone-files.ts";
import { realPlace, restoreBeside, restoreTarget } from "../host/restore-target.ts";
import { alone, planOf } from "./restore.ts";
import { clearScratch, removeLeftovers } from "./restore-leftovers.ts";
import { choose, type FoundPoints, findPoints } from "./restore-points.ts";
import { openRestore, type RestoreOptions, type RestoreSession } from "./restore-session.ts";

/** What `restore file`, `ls` and `cat` are asked for. */
export interface FilesOrder {
  readonly query: PointQuery;
  readonly path: string;
  /** Ids or devices of captured volumes; none: what tells where the path lies. */
  readonly volumes: readonly string[];
  readonly filesystem?: string;
  readonly act: FilesAct;
  /** Only the plan. */
  readonly planned: boolean;
}

/** What was copied or listed. */
interface FilesValue {
  readonly entries?: readonly FileEntry[];
  readonly copied?: CopyResult;
}

/** A plan, how the point was chosen, and what came of it if it was carried out. */
export interface FilesAnswer {
  readonly found: Pick<FoundPoints, "at" | "zone">;
  readonly choice: Choice;
  readonly ways: readonly Way[];
  /** Where the copy goes. */
  readonly to?: string;
  /** What an earlier process had left. */
  readonly leftovers: readonly Undone[];
  readonly looked?: Looked<FilesValue>;
}

/** No copy is needed for longer; so long nobody takes it for a left-over. */
const lifetime = 24 * 3_600_000;

/** Looks for the path on copies of the point's volumes, unless only the plan is wanted or something blocks it. */
export async function lookForFiles(
  order: FilesOrder,
  options: RestoreOptions,
  signal: AbortSignal,
): Promise<FilesAnswer> {
  const session = await openRestore(options, signal);
  const found = await findPoints(order.query, session, signal);
  const choice = choose(found);
  const to = await targetFor(order, choice, session);
  const attempts = await attemptsOf(order, choice, session);
  const ways: Way[] = [];
  for (const [index, attempt] of attempts.entries())
    ways.push(await wayOf(attempt, index, choice, found, session));
  const answer = { found, choice, ways, ...(to === undefined ? {} : { to }), leftovers: [] };
  if (order.planned || blocked(ways)) return answer;
  return alone(options, async () => {
    const leftovers = await removeLeftovers(session, signal);
    const { path, filesystem } = order;
    const where = `${session.scratch}/${session.opened.session.run}`;
    const look = { path, ways, where, lifetime, ...(filesystem === undefined ? {} : { filesystem }) };
    const looked = await lookInto(look, session.deps, cloneFiles(), signal, (file, { plan }) => {
      const snapshots = plan.volumes.map(({ request }) => request.snapshot);
      const source = sourceOf(choice.point.id, snapshots, file.filesystem);
      return act(order, to, source, file, session, signal);
    }).finally(() => clearScratch(session.scratch));
    return { ...answer, leftovers, looked };
  });
}

/** Whether nothing can be made of the first way: then the others are not tried either. */
export function blocked([first]: readonly Way[]): boolean {
  return first?.plan.obstacles.some(({ severity }) => severity === "blocks") === true;
}

async function act(
  { act }: FilesOrder,
  to: string | undefined,
  source: string,
  { root, path, notes }: { readonly root: string; readonly path: string; readonly notes: readonly string[] },
  { deps }: RestoreSession,
  signal: AbortSignal,
): Promise<FilesValue> {
  const files = cloneFiles();
  switch (act.kind) {
    case "ls":
      return { entries: await files.list(root, path, signal) };
    case "cat":
      await files.cat(root, path, act.descriptor, signal);
      return {};
    case "file": {
      if (to === undefined) return {};
      const order = { root, path, to, identity: source, existing: act.existing };
      const copied = await files.copy(order, telling(deps), signal);
      return { copied: { ...copied, notes: [...notes, ...copied.notes] } };
    }
  }
}

function telling({ clock, progress }: RestoreSession["deps"]): (now: RatedProgress) => void {
  let samples: readonly Sample[] = [];
  return ({ bytes, ofBytes, entries, ofEntries }) => {
    samples = withSample(samples, { at: clock.elapsed(), bytes });
    const rate = rateOf(samples);
    const percent = ofBytes > 0 ? (bytes / ofBytes) * 100 : (entries / Math.max(1, ofEntries)) * 100;
    const doing = `${entries} of ${ofEntries} copied`;
    progress({ percent, doing, ...(rate === undefined ? {} : { rate }) });
  };
}

async function targetFor(
  { act, path }: FilesOrder,
  { point }: Choice,
  { opened, zone }: RestoreSession,
): Promise<string | undefined> {
  if (act.kind !== "file") return undefined;
  const own = point.instanceArn === "" || point.instanceArn === opened.session.discovery.instance.arn;
  if (act.to !== undefined) return restoreTarget(act.to, path, act.existing);
  const beside = own ? besideOf(path, point.captured, zone) : undefined;
  if (beside !== undefined) return restoreBeside(beside, path, act.existing);
  const found = own ? "nothing lies beside /" : `the point is of another instance, ${point.instanceArn}`;
  throw new BackupError({ kind: "usage", doing: `restore ${path}`, found, remedy: "say where to: --to" });
}

async function attemptsOf(
  { path, volumes }: FilesOrder,
  { point }: Choice,
  { opened }: RestoreSession,
): Promise<readonly PathAttempt[]> {
  const { instance, volumes: attached } = opened.session.discovery;
  const named =
    volumes.length === 0 ? [] : chosenSnapshots(point, { volumes }).chosen.map(({ volumeId }) => volumeId);
  const own = point.instanceArn === instance.arn;
  const standIns = new Map(
    attached.flatMap(({ id, tags }) => {
      const of = tags[restoreTags.volume];
      return of === undefined ? [] : [[id, of] as const];
    }),
  );
  if (!own) return attemptsFor(path, { point, named, standIns });
  const { readMountMap } = await import("../host/mount-map.ts");
  const map = await readMountMap(attached);
  return attemptsFor(path, { point, named, standIns, map, real: await realPlace(path) });
}

/** A plan of its own for each way: it is never continued. gp3 is quick and cheap for so short a use. */
function wayOf(
  attempt: PathAttempt,
  index: number,
  choice: Choice,
  found: FoundPoints,
  session: RestoreSession,
): Promise<Way> {
  const label = `${session.opened.session.run}-${index}`;
  return planOf(choice, { volumes: attempt.volumes, type: "gp3", label }, found, session).then((plan) => ({
    ...attempt,
    plan,
  }));
}
