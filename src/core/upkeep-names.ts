/** What is done to a repository on a schedule of its own. */
export const upkeepKinds = ["check", "prune", "mirror"] as const;
export type UpkeepKind = (typeof upkeepKinds)[number];

/** What the timetable calls repositories; no job has such a name. */
const prefix = "repository/";

/** The name in the timetable: `repository/central/check`. */
export function timetableName(repository: string, kind: UpkeepKind): string {
  return `${prefix}${repository}/${kind}`;
}

/** The other way round; absent where it is the name of something else. */
export function namedUpkeep(
  job: string,
): { readonly repository: string; readonly kind: UpkeepKind } | undefined {
  if (!job.startsWith(prefix)) return undefined;
  const [, repository = "", word = ""] = job.split("/");
  const kind = upkeepKinds.find((one) => one === word);
  return kind === undefined || repository === "" ? undefined : { repository, kind };
}

/** Locks that keep two processes of a host from looking after one repository. No job has such a name. */
export const upkeepLock = {
  of: (repository: string): string => `repository.${repository}`,
  isOne: (name: string): boolean => name.startsWith("repository."),
};
