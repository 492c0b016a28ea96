import { ApiError } from "../api-error.ts";
import { ebsRates } from "../buckets.ts";
import type { Context } from "../context.ts";
import { faultOf } from "../context.ts";
import { factsOf } from "../ec2/condition-facts.ts";
import { lineageOf } from "../ec2/lineage.ts";
import { digest } from "../ids.ts";
import { operation, type ServiceTable } from "../operations.ts";
import { reachableSnapshot } from "../visibility.ts";
import type { Snapshot } from "../world.ts";
import { anyFrom, blockSize, blocksOf, changedBlocks, pageOfBlocks, type Range } from "./blocks.ts";

interface Input {
  SnapshotId: string | undefined;
  FirstSnapshotId: string | undefined;
  NextToken: string | undefined;
  MaxResults: number | undefined;
  StartingBlockIndex: number | undefined;
}

const shape = {
  SnapshotId: "string",
  FirstSnapshotId: "string",
  NextToken: "string",
  MaxResults: "integer",
  StartingBlockIndex: "integer",
} as const;

/** How long tokens of blocks are good: "7 days". */
const expiry = 7 * 86_400_000;

const arnOf = ({ world: { settings } }: Context, id: string | undefined) =>
  `arn:${settings.partition}:ec2:${settings.region}::snapshot/${id}`;

const shared = {
  shape,
  changes: false,
  facts: (resource: string, context: Context) =>
    factsOf("ebs:List", resource.replace(/^.*:(snapshot\/)/, "$1"), context),
} as const;

/** The EBS direct APIs, as far as they list blocks: no data are read. */
export const ebs: ServiceTable = {
  service: "ebs",
  operations: {
    ListSnapshotBlocks: operation({
      ...shared,
      resources: ({ SnapshotId: id }, context) => [arnOf(context, id)],
      run(input, context) {
        const snapshot = readable(input.SnapshotId, context);
        const { indexes, rest } = page("ListSnapshotBlocks", blocksOf(snapshot), input, context);
        const token = tokenOf(snapshot);
        return {
          Blocks: indexes.map((index) => ({ BlockIndex: index, BlockToken: token(index) })),
          ...answer(snapshot, rest, context),
        };
      },
    }),
    ListChangedBlocks: operation({
      ...shared,
      resources: ({ SnapshotId: second, FirstSnapshotId: first }, context) =>
        [first, second].flatMap((id) => (id === undefined ? [] : [arnOf(context, id)])),
      run(input, context) {
        const { world } = context;
        if (input.FirstSnapshotId === undefined)
          throw invalid("INVALID_PARAMETER_VALUE", "FirstSnapshotId must be specified");
        const first = readable(input.FirstSnapshotId, context);
        const second = readable(input.SnapshotId, context);
        const lineage = lineageOf(world, second);
        if (lineageOf(world, first) !== lineage)
          throw invalid("UNRELATED_SNAPSHOTS", "The snapshots are not of the same lineage");
        const changed = changedBlocks(first, second, lineage, world.settings.changedPerDay);
        const { indexes, rest } = page("ListChangedBlocks", changed, input, context);
        const [before, after] = [tokenOf(first), tokenOf(second)];
        const known = blocksOf(first)[0]?.to ?? 0;
        return {
          ChangedBlocks: indexes.map((index) => ({
            BlockIndex: index,
            ...(index < known ? { FirstBlockToken: before(index) } : {}),
            SecondBlockToken: after(index),
          })),
          ...answer(second, rest, context),
        };
      },
    }),
  },
  rates: ebsRates,
  unknownAction: (action) => new ApiError("UnknownOperationException", `There is no ${action}`, 404),
};

const invalid = (reason: string, message: string) =>
  new ApiError("ValidationException", message, 400, {
    shape: "ValidationException",
    members: { Reason: reason },
  });

/** The snapshot whose blocks are asked for: "The snapshot can be accessed only if it has a completed status." */
function readable(id: string | undefined, { world, elapsed }: Context): Snapshot {
  if (id === undefined || !/^snap-[0-9a-f]+$/.test(id))
    throw invalid("INVALID_SNAPSHOT_ID", "The snapshot id is not valid");
  const snapshot = reachableSnapshot(world, id, elapsed);
  if (snapshot === undefined || snapshot.ownerId !== world.settings.account)
    throw new ApiError("ResourceNotFoundException", `The snapshot '${id}' does not exist.`, 404, {
      shape: "ResourceNotFoundException",
      members: { Reason: "SNAPSHOT_NOT_FOUND" },
    });
  // Which error tells it is not documented.
  if (snapshot.state !== "completed" || snapshot.storageTier === "archive")
    throw invalid("INVALID_SNAPSHOT_ID", `The snapshot '${id}' is not available for reading.`);
  return snapshot;
}

/** The blocks of one page, and the token of the next one. */
function page(
  action: string,
  ranges: readonly Range[],
  input: Input,
  context: Context,
): { indexes: number[]; rest: string | undefined } {
  const { MaxResults: most = 10_000, StartingBlockIndex: start = 0 } = input;
  if (!Number.isInteger(most) || most < 100 || most > 10_000)
    throw invalid("INVALID_PARAMETER_VALUE", "MaxResults must be from 100 to 10000");
  if (!Number.isInteger(start) || start < 0)
    throw invalid("INVALID_PARAMETER_VALUE", "StartingBlockIndex must not be negative");
  const about = digest(`${action}/${input.FirstSnapshotId}/${input.SnapshotId}`).slice(0, 16);
  const token = input.NextToken === undefined ? undefined : readToken(input.NextToken, about);
  const number = token?.page ?? 0;
  const indexes = pageOfBlocks(ranges, token?.after ?? start, sizeOf(most, `${about}/${number}`, context));
  const last = indexes.at(-1);
  const after = last === undefined ? (token?.after ?? start) : last + 1;
  const rest = anyFrom(ranges, after) ? writeToken({ about, after, page: number + 1 }) : undefined;
  return { indexes, rest };
}

// "The request can return less blocks than MaxResults or an empty array of blocks."
function sizeOf(most: number, salt: string, context: Context): number {
  const short = faultOf(context, "short-page");
  if (short !== undefined) return Math.min(most, short.items ?? 0);
  if (!context.world.settings.shortPages) return most;
  return Number.parseInt(digest(salt).slice(0, 8), 16) % (most + 1);
}

interface Token {
  about: string;
  after: number;
  page: number;
}

const writeToken = (token: Token) => Buffer.from(JSON.stringify(token)).toString("base64");

function readToken(text: string, about: string): Token {
  try {
    const token = JSON.parse(Buffer.from(text, "base64").toString()) as Token;
    if (token.about === about && Number.isInteger(token.after)) return token;
  } catch {
    // Told below, with every other token that is not ours.
  }
  throw invalid("INVALID_PAGE_TOKEN", "The page token is not valid");
}

function tokenOf({ id }: Snapshot): (index: number) => string {
  const base = digest(`block/${id}`).slice(0, 24);
  return (index) => `AAUBA${base}${String(index).padStart(10, "0")}`;
}

function answer(snapshot: Snapshot, rest: string | undefined, { now }: Context): Record<string, unknown> {
  return {
    ExpiryTime: new Date(now + expiry),
    VolumeSize: snapshot.volumeSize,
    BlockSize: blockSize,
    ...(rest === undefined ? {} : { NextToken: rest }),
  };
}
