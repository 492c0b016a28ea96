import * as z from "zod/mini";
import { BackupError } from "../core/errors.ts";
import { regionName } from "../core/region-name.ts";
import { type SweepPart, sweepParts } from "../core/sweep-order.ts";
import { formatFault } from "./fault.ts";
import { oneOf, section, text, yesOrNo } from "./fields.ts";
import { faultsOf } from "./issues.ts";
import type { Loaded } from "./load.ts";
import { pathText } from "./path.ts";
import type { FileSweep } from "./sweep-schema.ts";

const maybe = z.exactOptional;

const region = text(regionName, "a Region such as eu-central-1", { description: "A Region." });

const some = <Item extends z.core.$ZodType>(item: Item, expected: string) =>
  z.array(item, expected).check(z.minLength(1, expected));

/** What is asked of the function. It can only narrow what the configuration names, and never releases the brake. */
const event = section(
  {
    action: maybe(oneOf(["sweep", "audit", "units"], { description: "What to do." })),
    parts: maybe(
      some(
        oneOf(sweepParts, { description: "A part of the sweep." }),
        `a list with any of ${sweepParts.join(", ")}`,
      ),
    ),
    regions: maybe(
      z.union([z.literal("all"), some(region, "a list of Regions")], "all, or a list of Regions"),
    ),
    accounts: maybe(
      some(
        text(/^.{1,63}$/, "self, the id of an account, or its name in the configuration", {
          description: "One account of those that the configuration names.",
        }),
        "a list of self, ids of accounts and names that the configuration has",
      ),
    ),
    dryRun: maybe(yesOrNo({ description: "Whether nothing is changed." })),
    publish: maybe(yesOrNo({ description: "Of an audit: whether the metric Overdue is told." })),
    notify: maybe(yesOrNo({ description: "Of an audit: whether those are told whom notify names." })),
  },
  { description: "What is asked of the function." },
);

export interface LambdaEvent {
  readonly action: "sweep" | "audit" | "units";
  readonly parts: readonly SweepPart[];
  readonly regions?: readonly string[] | "all";
  readonly accounts?: readonly string[];
  readonly dryRun: boolean;
  readonly publish: boolean;
  readonly notify: boolean;
}

/** Reads what a caller or a schedule has sent; nothing at all is a sweep as it is configured. Throws BackupError usage. */
export function readEvent(sent: unknown): LambdaEvent {
  const value = unwrapped(sent) ?? {};
  const parsed = event.safeParse(value);
  if (!parsed.success) {
    const placeOf = () => "event";
    const faults = typeof value === "object" ? faultsOf(parsed.error.issues, event, value, placeOf) : [];
    const told = faults.map(formatFault).join("\n  ");
    throw unusable(told || 'event: expected an object such as {} or {"dryRun": true}');
  }
  const { action = "sweep", parts = [], dryRun = false, publish = false, notify = false } = parsed.data;
  const { regions, accounts } = parsed.data;
  if (action !== "sweep" && parts.length > 0)
    throw unusable(`${pathText(["parts"])} is for the action sweep`);
  if (action !== "audit" && (publish || notify))
    throw unusable("publish and notify are for the action audit");
  return {
    action,
    parts,
    dryRun,
    publish,
    notify,
    ...(regions === undefined ? {} : { regions }),
    ...(accounts === undefined ? {} : { accounts }),
  };
}

/** Of a rule or schedule without an input of its own only `detail` is meant; the scheduler sends it as text. */
function unwrapped(sent: unknown): unknown {
  if (typeof sent !== "object" || sent === null || !("detail-type" in sent)) return sent;
  const { detail } = sent as { readonly detail?: unknown };
  if (typeof detail !== "string") return detail;
  try {
    return JSON.parse(detail) as unknown;
  } catch {
    return detail;
  }
}

function unusable(found: string): BackupError {
  return new BackupError({
    kind: "usage",
    doing: "read the event",
    found,
    remedy: "see README, The sweep in AWS Lambda",
  });
}

/** The configuration with those of its accounts that are named. `own`: the id of the function's account. */
export function withAccounts(loaded: Loaded, names: readonly string[] | undefined, own: string): Loaded {
  if (names === undefined || loaded.ok === false) return loaded;
  const file = loaded.ok === true ? loaded.file : undefined;
  const sweep: FileSweep = file?.config.sweep ?? {};
  const all = sweep.accounts ?? ["self" as const];
  const chosen = all.filter((one) => namesOf(one, own).some((name) => names.includes(name)));
  const unknown = names.filter((name) => !all.some((one) => namesOf(one, own).includes(name)));
  if (unknown.length > 0) {
    const known = all.map((one) => namesOf(one, own).at(-1)).join(", ");
    throw unusable(`the configuration has no account ${unknown.join(", ")}; it has ${known}`);
  }
  // Without a word of accounts there is the own one alone.
  if (file === undefined || loaded.ok !== true || sweep.accounts === undefined) return loaded;
  const config = { ...file.config, sweep: { ...sweep, accounts: chosen } };
  return { ...loaded, file: { ...file, config } };
}

function namesOf(account: NonNullable<FileSweep["accounts"]>[number], own: string): readonly string[] {
  if (account === "self") return [own, "self"];
  const { role, name } = account;
  return [role.split(":")[4] ?? "", ...(name === undefined ? [] : [name])];
}
