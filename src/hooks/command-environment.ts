import type { HookFacts } from "../core/hook.ts";
import { systemPath } from "../host/system-path.ts";
import type { UserAccount } from "../host/user-account.ts";

/**
 * What a command sees, the same whatever started the agent: nothing of the agent's own environment, thus
 * neither its credentials nor its proxies; what else it needs, the configuration names. The facts win.
 */
export function environmentOf(
  facts: HookFacts,
  which: "before" | "after",
  account: UserAccount | undefined,
  configured: Readonly<Record<string, string>>,
  captured?: boolean,
): Record<string, string> {
  const name = account?.name;
  return {
    PATH: systemPath,
    LANG: "C.UTF-8",
    SHELL: "/bin/sh",
    HOME: account?.home ?? "/",
    ...(name === undefined ? {} : { USER: name, LOGNAME: name }),
    ...configured,
    EC2_BACKUP_HOOK: which,
    EC2_BACKUP_JOB: facts.job,
    EC2_BACKUP_RUN: facts.run,
    EC2_BACKUP_TRIGGER: facts.trigger,
    EC2_BACKUP_INSTANCE_ID: facts.instanceId,
    EC2_BACKUP_VOLUMES: facts.volumes.join(" "),
    ...(captured === undefined ? {} : { EC2_BACKUP_CAPTURED: captured ? "yes" : "no" }),
  };
}
