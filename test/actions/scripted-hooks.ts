import type { HookUse } from "../../src/actions/quiesce.ts";
import type { Failure } from "../../src/core/errors.ts";
import { BackupError } from "../../src/core/errors.ts";
import type { Hook, HookKind } from "../../src/core/hook.ts";

/** What a scripted hook does and is. */
export interface Script {
  readonly name: string;
  readonly kind?: HookKind;
  readonly onFailure?: Hook["onFailure"];
  readonly fails?: "prepare" | "hold";
  /** What its release says. */
  readonly held?: boolean;
  readonly problems?: readonly Failure[];
  readonly deadline?: number;
  readonly frozen?: { readonly mounts: readonly string[]; readonly ms: number };
  /** Called at each of its moments. */
  readonly at?: (moment: string) => void;
}

/** A hook that does nothing but note its moments in `trace`. */
export function scripted(script: Script, trace: string[]): HookUse {
  const { name, kind = "command", onFailure = "abort", deadline, frozen } = script;
  const note = (moment: string): void => {
    trace.push(`${name}: ${moment}`);
    script.at?.(moment);
  };
  const fail = (moment: string): never => {
    throw new BackupError({ kind: "refused", doing: `${moment} ${name}`, found: "it was told to fail" });
  };
  const hook: Hook = {
    name,
    kind,
    onFailure,
    async prepare() {
      note("prepare");
      if (script.fails === "prepare") fail("prepare");
      return {
        async hold() {
          note("hold");
          if (script.fails === "hold") fail("hold");
          return {
            async release(captured) {
              note(`release ${captured ? "after" : "without"} a capture`);
              const { held = true, problems = [] } = script;
              return { held, problems, facts: {}, ...(frozen === undefined ? {} : { frozen }) };
            },
          };
        },
        async close() {
          note("close");
        },
      };
    },
  };
  return { hook, ...(deadline === undefined ? {} : { deadline }) };
}
