import { repositoriesOf } from "../../config/repositories.ts";
import { formatSpan } from "../../core/duration.ts";
import { failureOf, sentenceOf } from "../../core/errors.ts";
import type { CheckResult, Finding } from "../../core/finding.ts";
import { nothingFound } from "../../core/finding.ts";
import type { StoreLock } from "../../core/store-answers.ts";
import type { RepositoryConfig } from "../../core/store-ports.ts";
import { needsCare, type UpkeepStatus } from "../../core/upkeep-status.ts";
import { openStore } from "../store-world.ts";
import { upkeepStatus } from "../upkeep-status.ts";
import type { DoctorCheck } from "./check.ts";
import type { Ground } from "./ground.ts";

const lost = "files and dumps that go there are not backed up";

/**
 * That restic is there and new enough, that what a repository is opened with is safe, that it opens, and that it was
 * checked in time.
 */
export const repositories: DoctorCheck = {
  name: "repositories",
  about: "the repositories of files and dumps: restic, their passwords, whether they open, their last check",
  why: lost,
  command: "ec2-backup repository list",
  async run(ground, signal): Promise<CheckResult> {
    const { settings } = await ground.force();
    const all = repositoriesOf(settings);
    if (all.length === 0) return nothingFound;
    const jobs = await ground.jobs();
    const used = new Set(
      jobs.flatMap(({ stored }) => [
        ...(stored?.files === undefined ? [] : [stored.files.repository]),
        ...(stored?.dumps ?? []).map(({ repository }) => repository),
      ]),
    );
    const opened = await Promise.all(all.map((one) => openOne(one, all, used.has(one.name), ground, signal)));
    return { findings: [...opened.flat(), ...(await upkeepOf(ground))] };
  },
};

async function openOne(
  { name }: RepositoryConfig,
  all: readonly RepositoryConfig[],
  isUsed: boolean,
  { given, service }: Ground,
  signal: AbortSignal,
): Promise<Finding[]> {
  const doing = `open the repository ${name}`;
  try {
    // As a service would: with nothing of this shell's environment.
    const self = { ...given.self, env: { ...service.env, HOME: given.self.home } };
    const store = await openStore(
      name,
      { repositories: all, self, stateDirectory: given.stateDirectory },
      signal,
    );
    await store.open(signal);
    return (await store.locks(signal)).filter(({ dead }) => dead).map((lock) => deadLock(name, lock));
  } catch (error) {
    const { kind, found, remedy } = failureOf(error, doing);
    const facts = {
      what: sentenceOf({ kind, doing, found }),
      why: isUsed ? lost : "nothing is copied into it, and nothing restored from it",
      ...(remedy === undefined ? {} : { advice: remedy }),
      command: `ec2-backup repository list ${name}`,
    };
    return [isUsed ? { severity: "error", ...facts, kind } : { severity: "warning", ...facts }];
  }
}

/** Runs of this host remove it where it is in their way; other hosts cannot tell that nobody holds it. */
function deadLock(repository: string, { pid, host, exclusive }: StoreLock): Finding {
  return {
    severity: "warning",
    what: `process ${pid} of ${host}, which is gone, has left a lock${exclusive ? " for itself alone" : ""} in the repository ${repository}`,
    why: exclusive ? "other hosts cannot store anything there" : "other hosts cannot prune or check it",
    command: `ec2-backup repository unlock ${repository}`,
  };
}

/** What this host remembers of checks, prunes and mirrors. */
async function upkeepOf(ground: Ground): Promise<Finding[]> {
  const host =
    ground.given.outside ??
    (await ground.identity().then(
      ({ instanceId }) => instanceId,
      () => undefined,
    ));
  if (host === undefined) return [];
  const all = await upkeepStatus(ground.given, host, new Date());
  return all.filter(needsCare).map(findingOf);
}

function findingOf(upkeep: UpkeepStatus): Finding {
  const { repository, kind } = upkeep;
  const words = { check: "checked", prune: "pruned", mirror: "copied" } as const;
  const age = upkeep.ageSeconds === undefined ? "never" : `${formatSpan(upkeep.ageSeconds)} ago`;
  return {
    severity: "warning",
    what: `the repository ${repository} was last ${words[kind]} well ${age}`,
    why:
      kind === "check"
        ? "damage would be found when something is restored from it"
        : kind === "prune"
          ? "the room of what was forgotten is not given back"
          : "the mirror lacks what was stored since",
    command: `ec2-backup repository ${kind} ${repository}`,
  };
}
