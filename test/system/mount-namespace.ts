import { spawn } from "node:child_process";

/**
 * Shell for a mount namespace that lasts: what it has of the disks of other tests would keep those from being let go. One
 * that is mounted where a path begins with `kept` stays.
 */
export function withoutDisks(kept = ""): string {
  const others = `awk '$1 ~ /^.dev.loop/ && index($2, "${kept || " "}") != 1 {print $2}' /proc/mounts`;
  return `${others} | tac | xargs -r -n1 umount -l 2>/dev/null`;
}

/** A process in a mount namespace of its own, without the disks of others. */
export async function mountNamespace(): Promise<{ space: string; end: () => void }> {
  const script = `${withoutDisks()}; echo ready; exec sleep 3600`;
  const child = spawn("unshare", ["-m", "--propagation", "private", "sh", "-c", script], {
    stdio: ["ignore", "pipe", "ignore"],
  });
  await new Promise<void>((resolve, reject) => {
    child.once("error", reject);
    child.stdout.once("data", () => resolve());
  });
  return { space: String(child.pid), end: () => child.kill("SIGKILL") };
}
