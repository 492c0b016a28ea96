import type { KnownPolicy } from "../core/policies.ts";
import { type Terminal, table } from "./terminal.ts";

/** Prints what there is. */
export function printPolicies(policies: readonly KnownPolicy[], out: Terminal): void {
  const rows = policies.map(({ name, what }) => [name, what]);
  for (const line of table(["POLICY", "IS FOR"], rows, out.width)) out.print(line);
  out.print("");
  out.print("ec2-backup policy NAME prints one filled in; which role gets which: README, Permissions.");
}
