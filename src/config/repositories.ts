import { countedRules, defaultRetention, type RetentionPolicy } from "../core/retention-policy.ts";
import type { RepositoryConfig } from "../core/store-ports.ts";
import type { WrittenRepository, WrittenRetention } from "../core/stored-wish.ts";
import { defaultTimezone, type Settings } from "./defaults.ts";

const second = 1000;
const minute = 60 * second;

/** What is in force of a repository where the file is silent; durations in milliseconds. */
const repositoryDefaults = {
  appendOnly: false,
  lockWait: 30 * second,
  idleTimeout: 10 * minute,
  deadline: 12 * 60 * minute,
} as const;

/** The repositories of the configuration with everything that the file left to us. */
export function repositoriesOf({
  repositories = {},
  timezone = defaultTimezone,
}: Pick<Settings, "repositories" | "timezone">): readonly RepositoryConfig[] {
  return Object.entries(repositories).map(([name, written]) => repositoryOf(name, { timezone, ...written }));
}

function repositoryOf(name: string, written: WrittenRepository): RepositoryConfig {
  const { url, passwordFile, passwordCommand, options = {}, restic, check, mirror } = written;
  const { cacert, environmentFile, prune, timezone = defaultTimezone } = written;
  const { appendOnly, lockWait, idleTimeout, deadline } = { ...repositoryDefaults, ...written };
  return {
    name,
    url,
    password: passwordFile === undefined ? { command: passwordCommand ?? [] } : { file: passwordFile },
    ...(cacert === undefined ? {} : { cacert }),
    options,
    ...(environmentFile === undefined ? {} : { environmentFile }),
    ...(restic === undefined ? {} : { program: restic }),
    appendOnly,
    lockWait,
    idleTimeout,
    deadline,
    timezone,
    ...(prune && { prune }),
    ...(check && { check: { schedule: check.schedule, parts: partsOf(check.subset) } }),
    ...(mirror && { mirror: mirrorOf(mirror, timezone) }),
  };
}

/** 0 = no data is read. */
function partsOf(subset: string | undefined): number {
  return subset === undefined ? 0 : Number(subset.split("/")[1]);
}

function mirrorOf(
  { to, schedule, retention, hosts }: NonNullable<WrittenRepository["mirror"]>,
  timezone: string,
): NonNullable<RepositoryConfig["mirror"]> {
  return {
    to,
    ...(schedule === undefined ? {} : { schedule }),
    ...(retention && { retention: policyOf(retention, timezone) }),
    ...(hosts === undefined ? {} : { hosts }),
  };
}

function policyOf({ within, ...rules }: WrittenRetention, timezone: string): RetentionPolicy {
  const counts = Object.fromEntries(
    countedRules.flatMap((rule) => (rules[rule] === undefined ? [] : [[rule, rules[rule]]])),
  );
  const { demanded, shrinkDelay } = defaultRetention;
  return { counts, ...(within === undefined ? {} : { within }), timezone, demanded, shrinkDelay };
}
