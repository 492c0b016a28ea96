import { replaceRoot } from "../actions/replace-root.ts";
import type { ReplacePlan } from "../core/replace-plan.ts";
import type { Target } from "../core/replace-ports.ts";
import type { ReplaceResult } from "../core/replace-result.ts";
import { type RootMark, rootMarkText } from "../core/replace-tags.ts";
import { replaceFile } from "../host/atomic-file.ts";
import { forgetRoot, rootNote } from "../host/root-note.ts";
import type { Stage } from "./replace-stage.ts";

/** Has EC2 replace a root volume. What this host remembers goes with its root; the instance's tag stays. */
export async function orderRoot(
  { restore, swaps }: ReplacePlan,
  target: Target,
  { patience, again }: { readonly patience: number; readonly again: boolean },
  { deps, session, options }: Stage,
  signal: AbortSignal,
): Promise<ReplaceResult> {
  const own = session.opened.session.discovery.instance.id;
  const file = rootNote(options.stateDirectory, own);
  const result = await replaceRoot(
    {
      id: restore.id,
      point: restore.point.id,
      again,
      snapshot: swaps[0]?.planned.request.snapshot ?? "",
      target,
      own: target.instance.id === own,
      patience,
      remember: (mark: RootMark) =>
        replaceFile(file, `${JSON.stringify({ instance: target.instance.id, mark: rootMarkText(mark) })}\n`),
    },
    deps,
    signal,
  );
  if (result.outcome !== "rebooting" && result.outcome !== "unfinished") await forgetRoot(file);
  return result;
}
