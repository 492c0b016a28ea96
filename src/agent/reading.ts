import { type Opened, open } from "./open.ts";
import type { StoredSeen } from "./stored-inquiries.ts";
import type { AgentOptions } from "./wish.ts";

export async function openReading(options: AgentOptions, signal: AbortSignal): Promise<Opened> {
  const { newRunId } = await import("./session.ts");
  return open(newRunId(), options, signal);
}

/** Most hosts have no repositories, and load nothing of them. */
export async function storedOf(
  opened: Opened,
  options: AgentOptions,
  signal: AbortSignal,
): Promise<StoredSeen> {
  if (opened.force.settings.repositories === undefined)
    return { points: [], listings: new Map(), problems: [] };
  const { storedSeen } = await import("./stored-inquiries.ts");
  return storedSeen(opened, options, signal);
}
