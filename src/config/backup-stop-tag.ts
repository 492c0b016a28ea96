import type { Tags } from "../core/instance.ts";
import { spelled } from "./tag-spellings.ts";

/** No run reads it, so it stands apart from the others' spellings. */
const spellings = ["Backup_Stop", "backup_stop", "BACKUP_STOP"] as const;

/** The words that the policy `sweep-stop` knows as well. */
const yes = new Set(["yes", "true", "on", "1"]);

/** Whether an instance may be stopped for its backup. In doubt it may not: somebody may be working on it. */
export function mayBeStopped(tags: Tags): boolean {
  const found = spelled(tags, spellings);
  return found.length > 0 && found.every(({ value }) => yes.has(value.toLowerCase()));
}
