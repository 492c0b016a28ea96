import { BackupError } from "../core/errors.ts";
import type { StoreProgress } from "../core/store-ports.ts";
import { whenUnlocked } from "./restic-locks.ts";
import type { ResticCall, ResticGround, ResticRunner } from "./restic-runner.ts";
import { differInSftp, twoSftp } from "./restic-sftp.ts";
import { snapshotId, snapshotsOf } from "./restic-snapshots.ts";

/** Ids in one call: the words of a process are bounded. */
const atOnce = 200;

/**
 * Copies snapshots of one repository into another. restic leaves out those that are there already. Afterwards each must
 * be there, whatever restic has said.
 */
export async function copyFrom(
  to: ResticRunner,
  from: ResticRunner,
  ids: readonly string[],
  tell: (progress: StoreProgress) => void,
  signal: AbortSignal,
): Promise<void> {
  if (ids.length === 0) return;
  const doing = `copy ${ids.length} snapshot${ids.length === 1 ? "" : "s"} from ${from.config.name}`;
  const odd = ids.find((id) => !snapshotId.test(id));
  if (odd !== undefined)
    throw new BackupError({ kind: "unexpected", doing, found: `${odd} is no whole id of a snapshot` });
  await withBoth(to.ground, from.ground, doing, async (both) => {
    for (let at = 0; at < ids.length; at += atOnce) {
      let done = at;
      const call: ResticCall = {
        doing,
        words: ["copy", "--", ...ids.slice(at, at + atOnce)],
        from: from.ground,
        ...both,
        line(line) {
          if (!/^(?:snapshot [0-9a-f]{8} saved|skipping source snapshot)/.test(line.trim())) return;
          done += 1;
          tell({ what: "copy", filesDone: done, filesTotal: ids.length });
        },
      };
      await whenUnlocked(to, signal, () => to.run(call, signal), [from]);
    }
  });
  await seeThem(to, ids, doing, signal);
}

/** What restic is told beside its words where it reaches two repositories at once. */
export async function withBoth<T>(
  to: ResticGround,
  from: ResticGround,
  doing: string,
  use: (both: Pick<ResticCall, "options" | "env">) => Promise<T>,
): Promise<T> {
  refuseTwoLogins(to, from, doing);
  const options = optionsOf(to, from, doing);
  const two = differInSftp(to, from) ? await twoSftp(to, from) : undefined;
  try {
    return await use({ options, ...(two === undefined ? {} : { env: two.env }) });
  } finally {
    await two?.remove();
  }
}

async function seeThem(
  to: ResticRunner,
  ids: readonly string[],
  doing: string,
  signal: AbortSignal,
): Promise<void> {
  const there = new Set(
    (await snapshotsOf(to, [], signal)).flatMap(({ id, original }) => [id, original ?? id]),
  );
  // A copy of a copy names the first.
  const missing = ids.filter((id) => !there.has(id));
  if (missing.length === 0) return;
  const found = `restic ended well, but ${missing.length} of them are not there: ${missing
    .slice(0, 3)
    .map((id) => id.slice(0, 8))
    .join(", ")}`;
  throw new BackupError({ kind: "unexpected", doing: `${doing} (repository ${to.config.name})`, found });
}

/** restic reads one login of S3 for both. */
function refuseTwoLogins(to: ResticGround, from: ResticGround, doing: string): void {
  const both = [to, from].every(({ config }) => config.url.startsWith("s3:"));
  const key = "AWS_ACCESS_KEY_ID";
  if (!both || to.access.more[key] === from.access.more[key]) return;
  throw new BackupError({
    kind: "configuration",
    doing: `${doing} (repository ${to.config.name})`,
    found: "both lie in S3 and have logins of their own, of which restic copies with one only",
    remedy:
      "give one login the right to read the one and to write the other, and name it in both environment files",
  });
}

/** The options are those of both; each has one value. */
function optionsOf(to: ResticGround, from: ResticGround, doing: string): Record<string, string> {
  const merged: Record<string, string> = { ...from.config.options };
  const apart = differInSftp(to, from) ? ["sftp.command", "sftp.args"] : [];
  for (const [key, value] of Object.entries(to.config.options)) {
    if (merged[key] !== undefined && merged[key] !== value && !apart.includes(key))
      throw new BackupError({
        kind: "configuration",
        doing: `${doing} (repository ${to.config.name})`,
        found: `the option ${key} differs, and restic takes one value for both`,
        remedy: `write the same under options of ${to.config.name} and ${from.config.name}`,
      });
    merged[key] = value;
  }
  for (const key of apart) delete merged[key];
  return merged;
}
