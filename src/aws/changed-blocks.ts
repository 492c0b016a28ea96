import {
  EBSClient,
  ListChangedBlocksCommand,
  type ListChangedBlocksResponse,
  ListSnapshotBlocksCommand,
  type ListSnapshotBlocksResponse,
} from "@aws-sdk/client-ebs";
import type { BlockLists } from "../core/audit-cost-ports.ts";
import { BackupError } from "../core/errors.ts";
import { askAws } from "./ask.ts";
import { type ConnectionOptions, type Credentials, clientConfig } from "./connection.ts";
import { unreadable } from "./pages.ts";

/** The most that EBS tells at once: blocks of 5 GB. */
const pageSize = 10_000;

type Answer = Partial<ListChangedBlocksResponse & ListSnapshotBlocksResponse>;

/**
 * The EBS direct APIs, which tell blocks without their data. Loaded by audits only. Sends at most so many requests, what
 * the SDK sends again included: it waits longer each time where it is throttled.
 */
export function blockLists(
  options: ConnectionOptions,
  credentials: Credentials,
  requests: number,
): BlockLists {
  const client = new EBSClient({ ...clientConfig(options), credentials });
  let sent = 0;
  client.middlewareStack.add(
    (next) => (args) => {
      if (sent >= requests) throw usedUp(requests);
      sent += 1;
      return next(args);
    },
    // After the retry middleware of the same step, so it sees each attempt.
    { name: "countRequests", step: "finalizeRequest", priority: "low" },
  );
  return {
    sent: () => sent,
    async page({ from, to, next }, signal) {
      const doing =
        from === undefined ? `list the blocks of ${to}` : `list what changed from ${from} to ${to}`;
      const page = { MaxResults: pageSize, ...(next === undefined ? {} : { NextToken: next }) };
      const answer: Answer = await askAws(options.requestTimeout * 4, signal, doing, (abortSignal) =>
        from === undefined
          ? client.send(new ListSnapshotBlocksCommand({ SnapshotId: to, ...page }), { abortSignal })
          : client.send(
              new ListChangedBlocksCommand({ FirstSnapshotId: from, SecondSnapshotId: to, ...page }),
              { abortSignal },
            ),
      );
      const { BlockSize: size, NextToken: token } = answer;
      const blocks = answer.Blocks?.length ?? changedIn(answer);
      if (blocks === undefined || size === undefined || (token !== undefined && token === next))
        throw unreadable(
          doing,
          "the answer has no blocks, no size of theirs, or names itself as the next one",
        );
      return {
        bytes: blocks * size,
        ...(token === undefined ? {} : { next: token }),
      };
    },
  };
}

function usedUp(requests: number): BackupError {
  return new BackupError({
    kind: "throttled",
    doing: "list the blocks of snapshots",
    found: `all ${requests} requests that it may take were sent`,
    code: "RequestsUsedUp",
  });
}

/** A block that the later snapshot has no more takes no room in it. */
function changedIn({ ChangedBlocks }: Answer): number | undefined {
  return ChangedBlocks?.filter(({ SecondBlockToken }) => SecondBlockToken !== undefined).length;
}
