import type { MachineRecipe, UserDataFacts } from "./machine-recipe.ts";
import { encodeMachine, maxContentTags } from "./machine-words.ts";
import { type ManifestDetail, maxTagValue } from "./manifest.ts";

/** The keys of the tags that tell of the machine; numbers from 1 follow. */
export const machineKeys = { machine: "ec2-backup:machine.", userData: "ec2-backup:user-data." } as const;

/** What is known of the machine at a capture. */
export interface MachineFacts {
  readonly machine?: MachineRecipe;
  readonly userData?: UserDataFacts;
  /** Whether its user data is to be recorded, which anybody who may look at snapshots can read then. */
  readonly recordUserData: boolean;
}

/** Tags of the machine, and what they leave out, in words for the report. */
export interface MachineTags {
  readonly tags: Readonly<Record<string, string>>;
  readonly lost: readonly string[];
}

/** The tags that the machine may have, most telling first; the last is that it has none. */
export function machineTagsOf({ machine, userData, recordUserData }: MachineFacts): MachineTags[] {
  if (machine === undefined) return [{ tags: {}, lost: [] }];
  const recipe = numbered(machineKeys.machine, encodeMachine(machine, userData));
  const content = recordUserData ? chunks(userData?.content ?? "") : [];
  const tooLong = content.length > maxContentTags;
  const lost = recordUserData ? unrecorded(userData, tooLong) : [];
  const rest = [
    { tags: recipe, lost: content.length > 0 && !tooLong ? ["the content of the user data"] : lost },
    { tags: {}, lost: ["the recipe of the machine (type, subnet, image)"] },
  ];
  if (content.length === 0 || tooLong) return rest;
  return [{ tags: { ...recipe, ...numbered(machineKeys.userData, content) }, lost }, ...rest];
}

/** What a set may be tagged with, best first: hints of volumes go before the recipe of the machine, that before `extra`. */
export function wishesOf(machines: readonly MachineTags[]): {
  readonly machine: MachineTags;
  readonly detail: ManifestDetail;
  readonly extra: boolean;
  readonly copy: boolean;
}[] {
  const best = machines.length > 1 ? machines.slice(0, -1) : machines;
  const tries: { machines: readonly MachineTags[]; detail: ManifestDetail; extra: boolean }[] = [
    ...best.flatMap((one) =>
      (["mounts", "full"] as const).map((detail) => ({ machines: [one], detail, extra: true })),
    ),
    { machines: machines.slice(-2), detail: "ids", extra: true },
    { machines: machines.slice(-1), detail: "ids", extra: false },
  ];
  return [true, false].flatMap((copy) =>
    tries.flatMap(({ machines, ...rest }) => machines.map((machine) => ({ ...rest, machine, copy }))),
  );
}

function unrecorded(userData: UserDataFacts | undefined, tooLong: boolean): string[] {
  if (userData === undefined) return ["the user data, which the instance metadata did not give"];
  if (!tooLong) return [];
  const room = maxContentTags * maxTagValue;
  return [
    `the content of the user data (${userData.content?.length} characters compressed, more than the ${room} of ${maxContentTags} tags)`,
  ];
}

function numbered(key: string, values: readonly string[]): Record<string, string> {
  return Object.fromEntries(values.map((value, index) => [`${key}${index + 1}`, value]));
}

function chunks(text: string): string[] {
  const count = Math.ceil(text.length / maxTagValue);
  return Array.from({ length: count }, (_, index) =>
    text.slice(index * maxTagValue, (index + 1) * maxTagValue),
  );
}
