import { contentOf } from "./directory.ts";
import type { DirectoryRestore } from "./directory-ports.ts";
import { BackupError } from "./errors.ts";
import type { VolumeState } from "./restore-ports.ts";

/** Refuses to bring back what a volume does not hold, not whole, or not without what undoes its filters. */
export function refuseContent(
  volume: Pick<VolumeState, "tags">,
  { force, local, remote }: Pick<DirectoryRestore, "local" | "remote"> & { readonly force: boolean },
  doing: string,
): void {
  const content = contentOf(volume.tags);
  if (content === undefined) return;
  const given = { local, remote };
  if (content.method === "rsync" && (local !== undefined || remote !== undefined))
    throw new BackupError({
      kind: "usage",
      doing,
      found: "it is by rsync, which has no filters",
      remedy: "leave out -l and -r",
    });
  const missing = content.filters.filter((one) => given[one] === undefined);
  if (missing.length > 0)
    throw new BackupError({
      kind: "usage",
      doing,
      found: `it was written through a ${missing.join(" and a ")} filter`,
      remedy: `name what undoes it: ${missing.map((one) => (one === "local" ? "-l COMMAND" : "-r COMMAND")).join(" ")}`,
    });
  if (content.state === "complete" || content.state === "partial" || force) return;
  throw new BackupError({
    kind: "refused",
    doing,
    found:
      content.state === "new" ? "nothing was ever written to it" : "the copy onto it did not come to its end",
    remedy: "--force brings back what there is of it",
  });
}
