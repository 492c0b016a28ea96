import { checksumsIn } from "../core/checksum-list.ts";
import { type DrillChecks, pathsWithin, type SentinelFile } from "../core/drill.ts";
import { formatSpan } from "../core/duration.ts";
import { BackupError } from "../core/errors.ts";
import type { FileEntry } from "../core/file-ports.ts";
import { check, type DrillDeps, type Findings } from "./drill-check.ts";
import { stopped } from "./restore-deps.ts";

/** More are not named: the first tell enough. */
const mostNamed = 5;

/** Looks for the files that must be there, and reads those of the list of checksums. */
export async function checkFiles(
  { files, checksums }: Pick<DrillChecks, "files" | "checksums">,
  captured: Date,
  mounts: readonly string[],
  found: Findings,
  deps: DrillDeps,
  signal: AbortSignal,
): Promise<void> {
  for (const file of files)
    await check(found, deps, "file", file.path, async () => {
      const there = await findIn(mounts, file.path, deps, signal);
      if (there === undefined) return { failed: "it is on none of the filesystems" };
      const judgement = judged(there.entry, file, captured);
      if ("failed" in judgement || there.path === file.path) return judgement;
      // Where a filesystem was mounted is not recorded: what was taken for the file is told.
      const as = `it is ${there.path} of its filesystem`;
      return { detail: [as, judgement.detail].filter((one) => one !== undefined).join(", ") };
    });
  if (checksums === undefined) return;
  const on = "inside" in checksums ? checksums.inside : checksums.host;
  await check(found, deps, "checksums", on, () => verify(checksums, mounts, deps, signal));
}

function judged(
  { changed }: FileEntry,
  { newerThan }: SentinelFile,
  captured: Date,
): { readonly failed: string } | { readonly detail?: string } {
  if (newerThan === undefined) return {};
  const age = captured.getTime() - changed.getTime();
  const written = `written ${formatSpan(Math.abs(age) / 1000)} ${age < 0 ? "after" : "before"} the capture`;
  return age > newerThan
    ? { failed: `${written}, which is longer than ${formatSpan(newerThan / 1000)}` }
    : { detail: written };
}

interface There {
  readonly root: string;
  readonly path: string;
  readonly entry: FileEntry;
}

/** The filesystem and the path within it; the path as it is written is looked for everywhere before a part of it. */
async function findIn(
  mounts: readonly string[],
  wanted: string,
  { host }: DrillDeps,
  signal: AbortSignal,
): Promise<There | undefined> {
  for (const path of pathsWithin(wanted))
    for (const root of mounts) {
      const entry = await host.entry(root, path, signal).catch((error: unknown) => {
        if (error instanceof BackupError && (error.kind === "not-found" || isNoDirectory(error)))
          return undefined;
        throw error;
      });
      if (entry !== undefined) return { root, path, entry };
    }
  return undefined;
}

/** A file where the path has a directory. */
function isNoDirectory({ found }: BackupError): boolean {
  return /not a directory/i.test(found);
}

async function verify(
  checksums: NonNullable<DrillChecks["checksums"]>,
  mounts: readonly string[],
  deps: DrillDeps,
  signal: AbortSignal,
): Promise<{ readonly failed?: string; readonly detail?: string }> {
  const { host } = deps;
  let base: There | undefined;
  let text: string;
  if ("inside" in checksums) {
    base = await findIn(mounts, checksums.inside, deps, signal);
    if (base === undefined) return { failed: "the list is on none of the filesystems" };
    text = await host.list(base.root, base.path, signal);
  } else text = await host.list(undefined, checksums.host, signal);
  const { checksums: wanted, unreadable } = checksumsIn(text);
  if (unreadable.length > 0)
    return { failed: `line ${unreadable.slice(0, mostNamed).join(", ")} of the list is none of sha256sum` };
  if (wanted.length === 0) return { failed: "the list names no file" };
  const wrong: string[] = [];
  for (const [index, { sum, path }] of wanted.entries()) {
    if (signal.aborted) throw stopped("compare the checksums");
    if (index % 100 === 0)
      deps.progress({ percent: (index / wanted.length) * 100, doing: "comparing checksums" });
    const found = await sumOf(path, base, mounts, deps, signal);
    if (found !== sum) wrong.push(`${path} ${found === undefined ? "is not there" : "differs"}`);
  }
  if (wrong.length === 0) return { detail: `${wanted.length} files are as they were` };
  const named = wrong.slice(0, mostNamed).join(", ");
  const more = wrong.length > mostNamed ? `, and ${wrong.length - mostNamed} more` : "";
  return { failed: `${wrong.length} of ${wanted.length} files are not as they were: ${named}${more}` };
}

/** A relative path begins where the list lies, as for sha256sum -c in that directory; of a list of this host, at the top. */
async function sumOf(
  path: string,
  base: There | undefined,
  mounts: readonly string[],
  deps: DrillDeps,
  signal: AbortSignal,
): Promise<string | undefined> {
  const beside = base === undefined ? "" : base.path.slice(0, base.path.lastIndexOf("/"));
  const relative = path.replace(/^\.\//, "");
  const there =
    base !== undefined && !path.startsWith("/")
      ? await findExactly(base.root, `${beside}/${relative}`, deps, signal)
      : await findIn(mounts, path.startsWith("/") ? path : `/${relative}`, deps, signal);
  if (there === undefined) return undefined;
  return deps.host.sha256(there.root, there.path, signal);
}

async function findExactly(root: string, path: string, { host }: DrillDeps, signal: AbortSignal) {
  const entry = await host.entry(root, path, signal).catch((error: unknown) => {
    if (error instanceof BackupError && error.kind === "not-found") return undefined;
    throw error;
  });
  return entry && { root, path, entry };
}
