import { BackupError, failureOf } from "../core/errors.ts";
import { tagKeys } from "../core/point-tags.ts";
import { mayBeThere } from "../core/store-point.ts";
import type { Saved, SaveOrder } from "../core/store-ports.ts";
import { storedKeys, tag } from "../core/store-tags.ts";
import { writeText } from "../host/write-text.ts";
import { messageOf, textIn } from "./restic-messages.ts";
import type { ResticRunner } from "./restic-runner.ts";
import { streamed } from "./restic-stream.ts";

/** The one file of a marker. */
const file = "unread.jsonl";

/** Saves a small snapshot that says of another one that it is not whole. */
export async function markPartial(
  runner: ResticRunner,
  id: string,
  unread: Saved["unread"],
  { host, time, tags = [] }: Pick<SaveOrder, "host" | "time"> & Partial<Pick<SaveOrder, "tags">>,
  signal: AbortSignal,
): Promise<void> {
  const text = unread.map((one) => `${JSON.stringify(one)}\n`).join("");
  // That of the instance, so that whoever lists its points lists its markers.
  const instance = tags.filter(
    (one) => one.startsWith(`${tagKeys.instance}=`) || one.startsWith(`${tagKeys.series}=`),
  );
  const order = { host, time, tags: [tag(storedKeys.partialOf, id), ...instance] };
  const source = { file, start: (output: number) => ({ done: writeText(output, text) }) };
  const saved = await streamed(runner, order, source, () => undefined, signal);
  if ("error" in saved) throw saved.error;
}

/** The same for who cannot take it away: its failure says that it stands for a whole one. */
export async function markOrTell(...[runner, id, ...rest]: Parameters<typeof markPartial>): Promise<void> {
  await markPartial(runner, id, ...rest).catch((error: unknown) => {
    const failure = failureOf(error, `mark ${id.slice(0, 8)} as partial in ${runner.config.name}`);
    throw new BackupError({ ...failure, code: mayBeThere }, { cause: error });
  });
}

/** What a marker says. */
export async function unreadOf(
  runner: ResticRunner,
  marker: string,
  signal: AbortSignal,
): Promise<Saved["unread"]> {
  const lines: string[] = [];
  const call = {
    doing: "read which files could not be read",
    words: ["dump", "--no-lock", marker, `/${file}`],
    line: (line: string) => void lines.push(line),
  };
  await runner.run(call, signal);
  return lines.flatMap((line) => {
    const message = messageOf(line);
    const path = message === undefined ? undefined : textIn(message, "path");
    return path === undefined ? [] : [{ path, found: (message && textIn(message, "found")) ?? "" }];
  });
}
