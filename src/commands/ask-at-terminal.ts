import type { FoundPoints, PickPoint } from "../agent/restore-points.ts";
import { agrees, type Dialogue, dialogueOn } from "../cli/dialogue.ts";
import { pickPoint } from "../cli/pick-point.ts";
import { type Terminal, terminal } from "../cli/terminal.ts";
import type { PointQuery } from "../core/restore-query.ts";
import type { Context } from "./command.ts";

/** Somebody at a terminal, who can be shown things and asked. */
export interface Person {
  /** Absent where the words say already which point is meant. */
  readonly pick?: PickPoint;
  /** Shows a plan and asks whether to do it. Throws `interrupted`. */
  agrees(show: (out: Terminal) => void): Promise<boolean>;
  /** To be called at the end: an input that is read keeps the process. */
  end(): void;
}

/**
 * Who can be asked: nobody where stdin or stdout is no terminal, nor where `--json`, `--yes` or `--dry-run` was given.
 */
export function personAt(
  command: { readonly yes: boolean; readonly dryRun?: true; readonly query?: PointQuery },
  { global, host, stop }: Context,
): Person | undefined {
  if (global.json || command.yes || command.dryRun === true) return undefined;
  const streams = host.terminal();
  if (streams === undefined) return undefined;
  const out = terminal(streams.output, global.color && host.env["NO_COLOR"] === undefined);
  let talking: Dialogue | undefined;
  const dialogue = (): Dialogue => {
    talking ??= dialogueOn(streams, stop);
    return talking;
  };
  const pick = ({ points, zone, asOf }: FoundPoints): Promise<string> =>
    pickPoint({ points, zone, now: asOf }, dialogue(), out);
  const { query } = command;
  const open = query !== undefined && [query.at, query.point, query.from].every((one) => one === undefined);
  return {
    ...(open && { pick }),
    agrees(show) {
      show(out);
      return agrees("Do this?", dialogue());
    },
    end: () => talking?.end(),
  };
}
