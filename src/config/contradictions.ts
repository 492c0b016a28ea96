import type * as z from "zod/mini";
import type { Path } from "./path.ts";

/**
 * Faults that only show when two places of the file are seen together. The file may have other faults at
 * the same time, so nothing is taken for granted about the value.
 */
export function contradictions(file: unknown, context: z.core.$RefinementCtx): void {
  for (const [name, job] of Object.entries(mapping(mapping(file).jobs))) {
    const { volumes, retention, image, vss, hooks } = mapping(job);
    if (vss !== undefined && Array.isArray(hooks) && hooks.length > 0)
      report(context, ["jobs", name, "vss"], "no hooks beside it: VSS holds applications itself", "hooks");
    if (image !== undefined && hasNoImage(mapping(volumes)))
      report(context, ["jobs", name, "image"], "no image, which always has the root volume", "root: false");
    if (takesNothing(mapping(volumes))) {
      report(context, ["jobs", name, "volumes"], "some volumes", "root: false and an empty include");
    }
    if (mapping(mapping(file).tags).dialect !== "seed2" || retention === undefined) continue;
    for (const rule of rulesBesideAge(mapping(retention))) {
      report(context, ["jobs", name, "retention", rule], `no rule but ${ageRules}`, `the rule ${rule}`);
    }
    if (mapping(retention).within === undefined) {
      report(context, ["jobs", name, "retention"], `the rule within, ${because}`, "no such rule");
    }
  }
}

const because = "because tags.dialect seed2 writes the date on which a snapshot goes";
const ageRules = `within and minimum, ${because}`;

/** The rules that the dialect seed2, which knows one date for each snapshot, cannot express. */
export function rulesBesideAge(rules: Readonly<Record<string, unknown>>): string[] {
  return Object.keys(rules).filter(
    (rule) => rule !== "within" && rule !== "minimum" && rules[rule] !== undefined,
  );
}

/** Whether a selection leaves every volume out. */
export function takesNothing({
  root,
  include,
}: {
  readonly root?: unknown;
  readonly include?: unknown;
}): boolean {
  return root === false && Array.isArray(include) && include.length === 0;
}

/** EC2 makes no image without the root volume. */
export function hasNoImage({ root }: { readonly root?: unknown }): boolean {
  return root === false;
}

function report(context: z.core.$RefinementCtx, path: Path, message: string, found: string): void {
  context.addIssue({ code: "custom", path: [...path], message, params: { found } });
}

function mapping(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
}
