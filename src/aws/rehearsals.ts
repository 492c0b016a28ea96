import { CreateTagsCommand, DeleteSnapshotCommand, DescribeVolumesCommand } from "@aws-sdk/client-ec2";
import type { Tags } from "../core/instance.ts";
import type { Connection } from "./connection.ts";
import { withDeadline } from "./deadline.ts";
import { listed } from "./listed-tags.ts";
import { rehearsed } from "./rehearsed.ts";

/** Requests that EC2 is asked about and does not carry out. A refusal is thrown as what it is. */
export interface Rehearsals {
  /**
   * Whether the endpoint answers a dry run as one. Asked first, of a request that only reads: one that takes
   * no notice of it would carry out the others.
   */
  honoured(signal: AbortSignal): Promise<boolean>;
  remove(snapshotId: string, signal: AbortSignal): Promise<void>;
  tag(snapshotIds: readonly string[], tags: Tags, signal: AbortSignal): Promise<void>;
}

export function rehearsalsOf({ ec2, requestTimeout }: Connection): Rehearsals {
  const rehearse = (
    doing: string,
    signal: AbortSignal,
    send: (abortSignal: AbortSignal) => Promise<unknown>,
  ): Promise<boolean> => rehearsed(doing, () => withDeadline(requestTimeout * 4, signal, doing, send));
  return {
    honoured: (signal) =>
      rehearse("ask for a dry run", signal, (abortSignal) =>
        ec2.send(new DescribeVolumesCommand({ DryRun: true }), { abortSignal }),
      ),
    async remove(snapshotId, signal) {
      const command = new DeleteSnapshotCommand({ SnapshotId: snapshotId, DryRun: true });
      await rehearse(`rehearse the removal of ${snapshotId}`, signal, (abortSignal) =>
        ec2.send(command, { abortSignal }),
      );
    },
    async tag(snapshotIds, tags, signal) {
      const Tags = listed(tags);
      const command = new CreateTagsCommand({ Resources: [...snapshotIds], Tags, DryRun: true });
      await rehearse(`rehearse the marks on ${snapshotIds.join(", ")}`, signal, (abortSignal) =>
        ec2.send(command, { abortSignal }),
      );
    },
  };
}
