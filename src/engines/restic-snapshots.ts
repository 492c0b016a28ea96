import { BackupError } from "../core/errors.ts";
import type { StoredSnapshot } from "../core/store-ports.ts";
import { decodeTag, encodeTag } from "../core/store-tags.ts";
import { numberIn, type ResticMessage, textIn } from "./restic-messages.ts";
import type { ResticRunner } from "./restic-runner.ts";
import { confirm } from "./restic-unconfirmed.ts";

/** The whole name of a snapshot: shorter ones may mean another one tomorrow. */
export const snapshotId = /^[0-9a-f]{64}$/;

/** The snapshots that carry all of the tags. Takes no lock: it reads nothing that anybody changes. */
export async function snapshotsOf(
  runner: ResticRunner,
  tags: readonly string[],
  signal: AbortSignal,
): Promise<readonly StoredSnapshot[]> {
  const wanted = tags.length === 0 ? [] : ["--tag", tags.map(encodeTag).join(",")];
  const found = await listed(runner, wanted, signal);
  // Not left to the filter alone: what is listed may be removed.
  return found.filter((one) => tags.every((tag) => one.tags.includes(tag)));
}

/** The whole name of a snapshot of which a summary told the beginning. */
export async function wholeId(runner: ResticRunner, id: string, signal: AbortSignal): Promise<string> {
  if (snapshotId.test(id)) return id;
  const found = (await listed(runner, [id], signal)).filter((one) => one.id.startsWith(id));
  if (found.length === 1 && found[0] !== undefined) return found[0].id;
  throw strange(runner, `${found.length} snapshots begin with ${id}`);
}

async function listed(
  runner: ResticRunner,
  words: readonly string[],
  signal: AbortSignal,
): Promise<StoredSnapshot[]> {
  const lines: string[] = [];
  const call = {
    doing: "list the snapshots",
    words: ["snapshots", "--json", "--no-lock", ...words],
    line: (line: string) => void lines.push(line),
  };
  await runner.run(call, signal);
  const found = parsed(runner, lines.join("\n")).map((one) => snapshotOf(runner, one));
  confirm(
    runner.unconfirmed,
    found.map(({ id }) => id),
  );
  // restic lists them as their names sort in the repository, which is at random.
  return found.sort((a, b) => a.time.getTime() - b.time.getTime() || a.id.localeCompare(b.id));
}

function parsed(runner: ResticRunner, text: string): readonly ResticMessage[] {
  let value: unknown;
  try {
    // Without any snapshot an older one prints nothing at all.
    value = text.trim() === "" ? [] : JSON.parse(text);
  } catch {
    throw strange(runner, `what is no JSON: ${runner.conceal(text.slice(0, 200))}`);
  }
  if (value === null) return [];
  if (!Array.isArray(value)) throw strange(runner, "no list");
  return value as readonly ResticMessage[];
}

function snapshotOf(runner: ResticRunner, one: ResticMessage): StoredSnapshot {
  const id = textIn(one, "id") ?? "";
  if (!snapshotId.test(id))
    throw strange(runner, `a snapshot without a name: ${JSON.stringify(one).slice(0, 200)}`);
  const original = textIn(one, "original");
  const tree = textIn(one, "tree");
  const summary = one["summary"] as ResticMessage | null | undefined;
  const bytes = summary == null ? undefined : numberIn(summary, "total_bytes_processed");
  return {
    id,
    ...(original === undefined ? {} : { original }),
    ...(tree === undefined ? {} : { tree }),
    time: new Date(textIn(one, "time") ?? ""),
    host: textIn(one, "hostname") ?? "",
    paths: textsIn(one, "paths"),
    tags: textsIn(one, "tags").map(decodeTag),
    ...(bytes === undefined ? {} : { bytes }),
  };
}

function textsIn(one: ResticMessage, key: string): string[] {
  const value = one[key];
  return Array.isArray(value) ? value.filter((part): part is string => typeof part === "string") : [];
}

/** An answer that no restic that we know gives. */
export function strange({ config, ground }: ResticRunner, found: string): BackupError {
  return new BackupError({
    kind: "unexpected",
    doing: `read what restic says of the repository ${config.name}`,
    found: `restic ${ground.program.version} printed ${found}`,
    remedy: `see what ${ground.program.path} is`,
  });
}
