import type { AuditFacts, Found } from "./audit-ports.ts";
import { temporaryTag } from "./temporary-tag.ts";

/** Volumes that drills and restores made for a short use, and that outlived it: nobody else would tell of them. */
export function judgeLeft({ unit, volumes, asOf }: Pick<AuditFacts, "unit" | "volumes" | "asOf">): Found[] {
  return volumes.flatMap(({ id, sizeGiB, tags, attachedTo }): Found[] => {
    const until = tags[temporaryTag];
    // What no clock can read has no end that anybody could wait for.
    if (until === undefined || Date.parse(until) > asOf.getTime()) return [];
    const where = attachedTo === undefined ? "attached nowhere" : `attached to ${attachedTo}`;
    const verb = attachedTo === undefined ? "delete" : "detach";
    return [
      {
        severity: "warning",
        kind: "left",
        what: `volume ${id} (${sizeGiB} GiB, ${where}) was made for a drill or a restore, and its time is over`,
        why: "it is paid for, and no run backs it up",
        advice:
          attachedTo === undefined
            ? "delete it, unless somebody has found a use for it"
            : "the next run of its instance removes it, where its role may; else unmount, detach and delete it",
        command: `aws ec2 ${verb}-volume --region ${unit.region} --volume-id ${id}`,
        about: [id],
      },
    ];
  });
}
