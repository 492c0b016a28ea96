import { BackupError } from "../../core/errors.ts";
import type { Finding } from "../../core/finding.ts";
import { roleIn } from "../../core/grant.ts";
import type { CaptureOrder } from "../../core/ports.ts";
import { ebsImages } from "../../engines/ebs-images.ts";
import { uuidV7 } from "../../host/uuid.ts";
import type { Reach } from "./reach.ts";

/** Whether the images that a job is to make may be made: the very request, as a dry run under a name of its own. */
export async function imageRights(
  order: CaptureOrder,
  { connection, engine }: Reach,
  signal: AbortSignal,
): Promise<Finding[]> {
  const images = ebsImages(connection, engine, "", () => Promise.resolve(undefined));
  const pointId = uuidV7(Date.now());
  const name = `ec2-backup doctor ${pointId}`;
  try {
    await images.rehearse(
      { order, name, pointId, period: "doctor", captured: new Date(), without: [] },
      signal,
    );
    return [];
  } catch (error) {
    if (!(error instanceof BackupError)) throw error;
    // Limits, or the state of the instance, say nothing of the permission.
    if (error.kind === "throttled" || error.kind === "refused") return [];
    if (error.kind !== "denied") throw error;
    return [
      {
        severity: "error",
        what: `job ${order.job.name} may not make images (${error.found.slice(0, 240)})`,
        why: "its points are made all the same, its images are not, and each run of such a period says so",
        command: `aws iam put-role-policy --role-name ${roleIn(error.found) ?? "ROLE"} --policy-name ec2-backup-image --policy-document file://policies/image.json`,
        kind: "denied",
      },
    ];
  }
}
