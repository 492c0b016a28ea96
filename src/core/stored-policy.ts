import type { Job } from "./job.ts";
import type { RetentionPolicy } from "./retention-policy.ts";

/**
 * The policy of a series in a repository: that of the job, but for what is demanded of a point. Of files only the
 * programs around them can be demanded, and a dump is what its program makes of it.
 */
export function storedPolicy({ hooks, retention }: Job, content: "files" | "dump"): RetentionPolicy {
  const isHeld = hooks.some((hook) => hook.kind === "command" && hook.before !== undefined);
  return { ...retention, demanded: content === "files" && isHeld ? "application" : "crash" };
}
