import { listRestorable } from "../agent/list-restorable.ts";
import type { RestoreOptions } from "../agent/restore-session.ts";
import { pointJson } from "../cli/list.ts";
import { printRestorable } from "../cli/restore-list.ts";
import { printStored } from "../cli/restore-stored.ts";
import { exitCodes } from "../core/report.ts";
import type { Asked, Context, Result } from "./command.ts";

/** `restore list` */
export async function listAll(
  command: Extract<Asked<"restore">, { readonly action: "list" }>,
  options: RestoreOptions,
  { stop }: Context,
): Promise<Result> {
  const { instance } = command.query;
  const { points, all, zone, away, failures, notes } = await listRestorable(command.query, options, stop);
  const shown = { points, all, zone, ...(away && { away }), ...(instance && { named: instance }) };
  const isStored = points.some(({ stored }) => stored !== undefined);
  for (const { message } of failures) options.log("error", message);
  return {
    code: failures.length > 0 ? exitCodes.partlyDone : exitCodes.done,
    json: {
      zone,
      ...(away && { region: away }),
      points: points.map((point) => pointJson(point)),
      ...(notes.length > 0 ? { notes } : {}),
      ...(failures.length > 0 ? { failures: failures.map(({ kind, message }) => ({ kind, message })) } : {}),
    },
    print(out) {
      if (isStored) printStored(shown, out);
      else printRestorable(shown, out);
      for (const note of notes) out.print(`Note: ${note}`);
    },
  };
}
