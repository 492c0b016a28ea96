import type { AuditFacts, AuditRules, Found } from "./audit-ports.ts";
import { counted } from "./counted.ts";
import { formatSpan } from "./duration.ts";
import { toolOf } from "./foreign-tools.ts";
import { medianOf } from "./median.ts";
import { isMixed, type RecoveryPoint } from "./recovery-point.ts";
import { isDue, type Stanza, stanzasOf } from "./stanzas.ts";
import type { SweepInstance, SweepVolume } from "./sweep-ports.ts";

const hour = 3_600_000;

/** The newest backup of a volume, and whose it is. */
interface Newest {
  readonly at: Date;
  /** The series of our points; absent of a snapshot that another made. */
  readonly series?: string;
}

export interface Coverage {
  /** By volume id: the newest complete backup. */
  readonly newest: ReadonlyMap<string, Newest>;
  /** Instances that are protected and whose newest backup is too old, or that have none. */
  readonly overdue: number;
  readonly findings: readonly Found[];
}

/**
 * Judges by the snapshots themselves, never by what agents tell: a volume is backed up if a complete snapshot of it
 * exists, whoever made it.
 */
export function judgeCoverage(facts: AuditFacts, rules: AuditRules): Coverage {
  const newest = newestOf(facts);
  const limits = limitsOf(facts.points, rules);
  const byOwner = Map.groupBy(
    facts.volumes.filter((volume) => rules.wish(volume.tags) !== "unwanted"),
    ({ attachedTo }) => attachedTo ?? "",
  );
  const ours = new Set(facts.points.map(({ instanceArn }) => instanceArn));
  const findings: Found[] = [];
  let overdue = 0;
  for (const instance of facts.instances) {
    if (instance.state === "terminated" || instance.state === "shutting-down") continue;
    const wish = rules.wish(instance.tags);
    if (wish === "unwanted") continue;
    const stanzas = stanzasOf(instance, rules.stanzas ?? []);
    const judged = judgeInstance(instance, takenBy(stanzas, byOwner.get(instance.id) ?? []), {
      stanzas,
      newest,
      limits,
      rules,
      now: facts.asOf,
      wanted: wish === "wanted" || ours.has(instance.arn) || stanzas.length > 0,
    });
    findings.push(...judged.findings);
    if (judged.overdue) overdue += 1;
  }
  findings.push(...looseVolumes(byOwner.get("") ?? [], newest, rules, facts.asOf));
  return { newest, overdue, findings };
}

function newestOf({ points, foreign }: AuditFacts): Map<string, Newest> {
  const newest = new Map<string, Newest>();
  const note = (volume: string, at: Date, series?: string): void => {
    const known = newest.get(volume);
    if (known === undefined || at > known.at)
      newest.set(volume, series === undefined ? { at } : { at, series });
  };
  for (const one of foreign) if (one.state === "completed") note(one.volumeId, one.startTime);
  for (const point of points) {
    if (point.state !== "complete" || isMixed(point)) continue;
    for (const { volumeId } of point.snapshots) note(volumeId, point.captured, point.series);
  }
  return newest;
}

/** Points that tell how often a series is captured. */
const lately = 10;

/** How old the newest point of each series may be: one that is captured once a week is not overdue after a day. */
function limitsOf(
  points: readonly RecoveryPoint[],
  { overdueAfter }: AuditRules,
): ReadonlyMap<string, number> {
  const series = Map.groupBy(points, (point) => point.series);
  return new Map(
    [...series].map(([name, its]) => {
      const times = its.map(({ captured }) => captured.getTime()).sort((a, b) => b - a);
      const gaps = times.slice(0, lately).flatMap((time, index) => {
        const before = times[index + 1];
        return before === undefined || index + 1 >= lately ? [] : [time - before];
      });
      const habit = gaps.length < 2 ? 0 : (medianOf(gaps) ?? 0);
      return [name, habit <= overdueAfter ? overdueAfter : habit * 1.1 + 2 * hour];
    }),
  );
}

interface Ground {
  readonly newest: ReadonlyMap<string, Newest>;
  readonly limits: ReadonlyMap<string, number>;
  readonly rules: AuditRules;
  readonly now: Date;
  /** Somebody wants it backed up: its tag says so, or an agent has done it. */
  readonly wanted: boolean;
  /** Those of another tool's that it comes under; where there are some, they say how often. */
  readonly stanzas: readonly Stanza[];
}

/** Without what every one of the stanzas leaves alone. */
function takenBy(stanzas: readonly Stanza[], volumes: readonly SweepVolume[]): readonly SweepVolume[] {
  if (stanzas.length === 0) return volumes;
  return volumes.filter(({ id }) => stanzas.some(({ ignore }) => !ignore.includes(id)));
}

/** What is due may take so long to be made. */
const grace = 2 * hour;

function isLate(volume: SweepVolume, last: Newest, { stanzas, limits, rules, now }: Ground): boolean {
  if (stanzas.length > 0) {
    const then = new Date(now.getTime() - grace);
    return stanzas.some((one) => !one.ignore.includes(volume.id) && isDue(one, last.at, then));
  }
  return now.getTime() - last.at.getTime() > (limits.get(last.series ?? "") ?? rules.overdueAfter);
}

function judgeInstance(
  instance: SweepInstance,
  volumes: readonly SweepVolume[],
  ground: Ground,
): { findings: Found[]; overdue: boolean } {
  const { newest, rules, now, wanted } = ground;
  const old = (volume: SweepVolume): boolean => !isYoung(volume, rules, now);
  const bare = volumes.filter((volume) => !newest.has(volume.id) && old(volume));
  const late = volumes.filter((volume) => {
    const last = newest.get(volume.id);
    return last !== undefined && isLate(volume, last, ground);
  });
  const findings: Found[] = [];
  // What does not run does not change, and no agent could back it up.
  const runs = instance.state === "running";
  const name = nameOf(instance);
  const label = (some: readonly SweepVolume[]) =>
    some.length === volumes.length
      ? `${name} has`
      : `${some.length} of the ${counted(volumes.length, "volume")} of ${name} ${some.length === 1 ? "has" : "have"}`;
  if (bare.length > 0)
    findings.push({
      severity: wanted && runs ? "error" : "warning",
      kind: "unprotected",
      what: `${label(bare)} no backup at all`,
      why: "what is on it is lost with the volume",
      ...(wanted ? agentSilent : notAsked(instance.id)),
      about: [instance.id, ...bare.map(({ id }) => id)],
    });
  if (late.length > 0) {
    const last = Math.min(...late.map(({ id }) => newest.get(id)?.at.getTime() ?? now.getTime()));
    findings.push({
      severity: runs ? (wanted ? "error" : "warning") : "note",
      kind: "overdue",
      what: `${label(late)} no backup since ${day(new Date(last))} (${formatSpan((now.getTime() - last) / 1_000)})${runs ? "" : `; it is ${instance.state}`}`,
      why: runs ? "what has changed since is in no backup" : "nothing can have changed while it was off",
      ...(runs ? agentSilent : {}),
      about: [instance.id, ...late.map(({ id }) => id)],
    });
  }
  return { findings, overdue: wanted && runs && (late.length > 0 || bare.length > 0) };
}

const agentSilent = {
  advice: "see why its agent, or the tool that backs it up, is silent; a sweep captures it meanwhile",
  command: "ec2-backup sweep --only create --dry-run",
};

function notAsked(id: string): Pick<Found, "advice" | "command"> {
  return {
    advice: "if it is worth a backup say so by its tag and install the agent; if not, say Backup=no",
    command: `aws ec2 create-tags --resources ${id} --tags Key=Backup,Value=yes`,
  };
}

function looseVolumes(
  volumes: readonly SweepVolume[],
  newest: ReadonlyMap<string, Newest>,
  rules: AuditRules,
  now: Date,
): Found[] {
  const bare = volumes.filter((volume) => !newest.has(volume.id) && !isYoung(volume, rules, now));
  if (bare.length === 0) return [];
  const size = bare.reduce((sum, { sizeGiB }) => sum + sizeGiB, 0);
  return [
    {
      severity: "warning",
      kind: "unprotected",
      what: `${counted(bare.length, "volume")} that no instance has (${size} GiB) ${bare.length === 1 ? "has" : "have"} no backup at all`,
      why: "nobody would notice that one is deleted, and each costs as if it were in use",
      advice: "capture what is needed once, delete what is not",
      command: "aws ec2 describe-volumes --filters Name=status,Values=available",
      about: bare.map(({ id }) => id),
    },
  ];
}

/** What was made within the limit need not have been captured yet. */
function isYoung({ createdAt }: SweepVolume, { overdueAfter }: AuditRules, now: Date): boolean {
  return createdAt !== undefined && now.getTime() - createdAt.getTime() <= overdueAfter;
}

export function nameOf({ id, name }: Pick<SweepInstance, "id" | "name">): string {
  return name === undefined || name === "" ? id : `${name} (${id})`;
}

function day(at: Date): string {
  return at.toISOString().slice(0, 10);
}

/** By volume: who has made snapshots of it lately. More than one pay twice. */
export function judgeDoubled({ points, foreign, asOf }: AuditFacts): Found[] {
  const since = asOf.getTime() - 14 * 24 * hour;
  const makers = new Map<string, Set<string>>();
  const note = (volume: string, maker: string): void => {
    const known = makers.get(volume);
    if (known === undefined) makers.set(volume, new Set([maker]));
    else known.add(maker);
  };
  for (const { captured, snapshots, image } of points)
    if (captured.getTime() > since && image === undefined)
      for (const { volumeId } of snapshots) note(volumeId, "ec2-backup");
  for (const one of foreign) {
    const tool = one.startTime.getTime() > since ? toolOf(one) : undefined;
    if (tool !== undefined && tool.marksOnly !== true) note(one.volumeId, tool.name);
  }
  const doubled = [...makers].filter(([, names]) => names.size > 1);
  const groups = Map.groupBy(doubled, ([, names]) => [...names].sort().join(" and "));
  return [...groups].map(
    ([names, its]): Found => ({
      severity: "warning",
      kind: "doubled",
      what: `${counted(its.length, "volume")} ${its.length === 1 ? "is" : "are"} backed up by ${names}`,
      why: "two tools pay twice and share EC2's limits: 5 snapshots of a volume at once, 15 s between two",
      advice: "end one of them where the other suffices; sweep adopt takes over what it has made",
      about: its.map(([volume]) => volume),
    }),
  );
}
