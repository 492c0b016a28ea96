import { BackupError } from "../core/errors.ts";
import type { ResticRunner } from "./restic-runner.ts";

/** Refuses what would change what is there already. */
export function refuseAppendOnly({ config }: ResticRunner, doing: string): void {
  if (!config.appendOnly) return;
  throw new BackupError({
    kind: "refused",
    code: "AppendOnly",
    doing: `${doing} (repository ${config.name})`,
    found: "the configuration says appendOnly: this host only adds to it",
    remedy: "do it from the host that may",
  });
}
