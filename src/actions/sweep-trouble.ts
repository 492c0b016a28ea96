import { counted } from "../core/counted.ts";
import type { Failure } from "../core/errors.ts";
import { type Problem, problemOf } from "../core/report.ts";
import type { SweepUnit } from "../core/sweep-ports.ts";
import type { SeriesSwept } from "../core/sweep-report.ts";

/** What somebody should know of a unit's pruning: each kind once, however many points it is of. */
export function troubleOf(
  details: readonly SeriesSwept[],
  failures: readonly Failure[],
  { id: unit }: SweepUnit,
): Problem[] {
  const problems: Problem[] = [];
  const sum = (of: (one: SeriesSwept) => number) => details.reduce((total, one) => total + of(one), 0);
  for (const failure of onceEach(failures))
    problems.push(problemOf(failure.kind === "refused" ? "notice" : "error", failure));
  const postponed = details.filter((one) => one.postponed > 0);
  if (postponed.length > 0)
    problems.push({
      severity: "error",
      kind: "refused",
      code: "Brake",
      doing: `remove all that is given up in ${unit}`,
      found: `${counted(
        sum((one) => one.postponed),
        "more point",
      )} of ${seriesWords(postponed)} would go than one sweep removes`,
      remedy: "the next sweeps go on; look with `ec2-backup sweep --dry-run`, and if it is meant: `--yes`",
    });
  const left = details.filter((one) => one.left !== undefined);
  if (left.length > 0)
    problems.push({
      severity: "warning",
      kind: "refused",
      code: "NoPolicy",
      doing: `prune ${seriesWords(left)} in ${unit}`,
      found: `nothing of it is removed: ${left[0]?.left}${left.length > 1 ? ", and the like" : ""}`,
      remedy: "let the agent capture there again, which records the policy, or mend the tag",
    });
  const silent = details.filter((one) => one.left === undefined && one.silent > 0);
  if (silent.length > 0)
    problems.push({
      severity: "warning",
      kind: "refused",
      code: "NoPolicy",
      doing: `remove ${counted(
        sum((one) => (one.left === undefined ? one.silent : 0)),
        "point",
      )} of ${seriesWords(silent)} in ${unit}`,
      found: "they record no policy that can be read, and stay",
    });
  return problems;
}

/** Of failures that say the same the first, with how many there are. */
export function onceEach(failures: readonly Failure[]): Failure[] {
  const groups = Map.groupBy(failures, ({ kind, code = "" }) => `${kind} ${code}`);
  return [...groups.values()].flatMap((same) => {
    const [first] = same;
    if (first === undefined || same.length === 1) return same;
    return [{ ...plain(first), doing: `${first.doing} and ${same.length - 1} more` }];
  });
}

function plain({ kind, doing, found, remedy, code }: Failure): Failure {
  return {
    kind,
    doing,
    found,
    ...(remedy === undefined ? {} : { remedy }),
    ...(code === undefined ? {} : { code }),
  };
}

function seriesWords(some: readonly SeriesSwept[]): string {
  const [first] = some;
  return some.length === 1 ? (first?.series ?? "") : `${some.length} series, such as ${first?.series}`;
}
