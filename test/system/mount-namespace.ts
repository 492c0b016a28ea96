import { spawn } from "node:child_process";

/** A process in a mount namespace of its own, without the disks of others. */
export async function mountNamespace(): Promise<{ space: string; end: () => void }> {
  const script =
    "awk '$1 ~ /^.dev.loop/ {print $2}' /proc/mounts | tac | xargs -r -n1 umount -l 2>/dev/null; echo ready; exec sleep 3600";
  const child = spawn("unshare", ["-m", "--propagation", "private", "sh", "-c", script], {
    stdio: ["ignore", "pipe", "ignore"],
  });
  await new Promise<void>((resolve, reject) => {
    child.once("error", reject);
    child.stdout.once("data", () => resolve());
  });
  return { space: String(child.pid), end: () => child.kill("SIGKILL") };
}
