import type { BlockLists, CostChain, CostStep } from "../core/audit-cost-ports.ts";
import { BackupError, type Failure, failureOf } from "../core/errors.ts";

/** So many failures in a row are no matter of single snapshots. */
const patience = 3;

const outOfTime: Failure = {
  kind: "interrupted",
  doing: "list the blocks of snapshots",
  found: "the time for it was over",
};

interface Measuring {
  readonly requests: number;
  /** Why it ended before all was measured or the requests were used up. */
  readonly stopped?: Failure;
}

/**
 * Counts the blocks that the snapshots of the chains store, with at most so many requests: the largest volume first,
 * each with an equal share of the requests that are left, and its newest snapshots first. What one leaves others have. What a
 * failure leaves uncounted stays a bound. Never throws.
 */
export async function measureChanges(
  chains: readonly CostChain[],
  requests: number,
  lists: BlockLists,
  signal: AbortSignal,
): Promise<Measuring> {
  const left = () => requests - lists.sent();
  let failures = 0;
  let stopped: Failure | undefined;
  const measure = async (step: CostStep): Promise<void> => {
    try {
      const page = await lists.page(step, signal);
      failures = 0;
      counted(step, page.bytes, page.next);
    } catch (error) {
      step.closed = true;
      failures += 1;
      const failure = failureOf(error, "list the blocks of snapshots");
      if (left() > 0 && (isForAll(error) || failures === patience)) stopped = failure;
    }
  };
  const isOver = () => left() <= 0 || stopped !== undefined || signal.aborted;
  let waiting = chains.toSorted((a, b) => b.sizeGiB - a.sizeGiB || (a.volume < b.volume ? -1 : 1));
  while (waiting.length > 0 && !isOver()) {
    const unfinished: CostChain[] = [];
    for (const [index, chain] of waiting.entries()) {
      const rest = left() - Math.ceil(left() / (waiting.length - index));
      for (let step = open(chain); step !== undefined && left() > rest && !isOver(); step = open(chain))
        await measure(step);
      if (open(chain) !== undefined) unfinished.push(chain);
    }
    waiting = unfinished;
  }
  if (signal.aborted && waiting.length > 0) stopped = outOfTime;
  return { requests: lists.sent(), ...(stopped === undefined ? {} : { stopped }) };
}

/** The newest that is not measured; what another retention would store comes after what is stored. */
function open({ steps, instead }: CostChain): CostStep | undefined {
  const isOpen = ({ closed }: CostStep) => !closed;
  return steps.findLast(isOpen) ?? instead?.steps.findLast(isOpen);
}

function counted(step: CostStep, bytes: number, next: string | undefined): void {
  step.counted += bytes;
  if (next !== undefined) {
    step.next = next;
    return;
  }
  step.closed = true;
  step.measured = Math.min(step.counted, step.atMost);
}

/** What befalls one snapshot would befall the next. */
function isForAll(error: unknown): boolean {
  return !(error instanceof BackupError) || ["denied", "throttled", "interrupted"].includes(error.kind);
}
