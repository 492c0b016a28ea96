import { type Failure, sentenceOf } from "../core/errors.ts";
import type { RootNews } from "../core/root-news.ts";
import { type Terminal, table } from "./terminal.ts";

/** Prints what is wrong and no more. */
export function printFaults(
  { faults, warnings }: { readonly faults: readonly string[]; readonly warnings: readonly string[] },
  out: Terminal,
): void {
  for (const fault of faults) out.print(`${out.paint("red", "error")}: ${fault}`);
  for (const warning of warnings) out.print(`${out.paint("yellow", "warning")}: ${warning}`);
}

/** Prints the configuration in force with the origin of each value, or all that is wrong with it. */
export function printChecked(
  checked: {
    readonly ok: boolean;
    readonly faults: readonly string[];
    readonly warnings: readonly string[];
    readonly values: readonly { readonly path: string; readonly value: string; readonly origin: string }[];
    readonly withoutTags?: Failure;
    readonly root?: RootNews;
  },
  out: Terminal,
): void {
  printFaults(checked, out);
  const rows = checked.values.map(({ path, value, origin }) => [path, value, origin]);
  if (rows.length > 0) for (const line of table(["VALUE", "IS", "FROM"], rows, out.width)) out.print(line);
  if (checked.withoutTags !== undefined) {
    out.print(`The instance's tags were not read: ${sentenceOf(checked.withoutTags)}`);
  }
  if (checked.root !== undefined) out.print(`Root volume: ${checked.root.found}`);
  out.print(checked.ok ? out.paint("green", "The configuration is good.") : "The configuration is faulty.");
}
