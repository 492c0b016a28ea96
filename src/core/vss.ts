import type { Tags } from "./instance.ts";
import { tagKeys } from "./point-tags.ts";
import type { RecoveryPoint } from "./recovery-point.ts";
import type { CaptureScope } from "./selection.ts";

/**
 * Why VSS cannot capture what a job selects; absent if it can. "You can't create a VSS-enabled EBS snapshot for a
 * specific volume", but the boot volume may be left out (EC2 user guide, application-consistent snapshots).
 */
export function beyondVss({ expected, excludeDataVolumeIds, unwanted }: CaptureScope): string | undefined {
  const left = [...excludeDataVolumeIds, ...unwanted.map(({ id }) => id)];
  if (left.length > 0)
    return `VSS captures all data volumes of the instance, and ${left.join(", ")} is to be left out`;
  return expected.length === 0 ? "there is no volume to capture" : undefined;
}

/**
 * "Tag keys and values must only contain alphanumeric characters and" these (EC2 user guide, VSS snapshot documents).
 * Two braces would be for Systems Manager itself, which puts what they name in their place.
 */
const expressible = /^(?!.*\{\{)[A-Za-z0-9() ./\\\-"'@_+:={}]*$/;

/** The tags that VSS puts on a snapshot itself; given in the list, they are an error. */
const reserved: ReadonlySet<string> = new Set(["Device", "AppConsistent", "AwsVssConfig"]);

/** The number of tags that a snapshot may have, less those that VSS adds (those above, and an empty Name). */
const room = 50 - 4;

/** The tags that VSS is given, as its document wants them, and those that must be written when it is done. */
export function tagsForVss(tags: Tags): {
  readonly text: string;
  readonly later: Tags;
  readonly lost: readonly string[];
} {
  const all = Object.entries(tags);
  const isSaid = ([key, value]: readonly [string, string]) =>
    expressible.test(key) && expressible.test(value);
  // A group may be called as it likes, and who could name it later could name another one.
  const isOut = (one: readonly [string, string]) =>
    reserved.has(one[0]) || (one[0] === tagKeys.group && !isSaid(one));
  const lost = [...all.filter(isOut), ...all.filter((one) => !isOut(one)).slice(room)].map(([key]) => key);
  const kept = all.filter(([key]) => !lost.includes(key));
  const now = kept.filter(isSaid);
  return {
    text: now.map(([key, value]) => `Key=${key},Value=${value}`).join(";"),
    later: Object.fromEntries(kept.filter((one) => !now.includes(one))),
    lost,
  };
}

/**
 * Whether VSS called every snapshot of a point consistent: it gives the tag only where it succeeded. One that lacks a
 * volume that it was to hold is no such point, whatever the others say.
 */
export function isAppConsistent({ snapshots, recipe }: Pick<RecoveryPoint, "snapshots" | "recipe">): boolean {
  const there = new Set(snapshots.map(({ volumeId }) => volumeId));
  const whole = recipe.every(({ volumeId }) => there.has(volumeId));
  const said = snapshots.every(({ tags }) => /^true$/i.test(tags["AppConsistent"] ?? ""));
  return snapshots.length > 0 && whole && said;
}

/**
 * The id of the point that is made without VSS after a command of VSS has failed: what that command may still make
 * has the first id, and must not be mixed with it. Always the same for one id, so that it is found again.
 */
export function idBesideVss(pointId: string): string {
  const last = Number.parseInt(pointId.slice(-1), 16);
  return Number.isNaN(last) ? `${pointId}0` : `${pointId.slice(0, -1)}${((last + 8) % 16).toString(16)}`;
}
