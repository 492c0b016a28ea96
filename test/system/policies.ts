import { readFile } from "node:fs/promises";
import path from "node:path";
import type { Simulator } from "../../src/simulator/server.ts";

const root = path.resolve(import.meta.dirname, "../..");

export interface Statement {
  readonly Sid?: string;
  readonly Effect: string;
  readonly Action: string | readonly string[];
  readonly Resource: string | readonly string[];
  readonly Condition?: Readonly<Record<string, Readonly<Record<string, string | readonly string[]>>>>;
}

export interface Policy {
  readonly Version: string;
  readonly Statement: readonly Statement[];
}

/** One of `policies/`. */
export async function policyNamed(name: string): Promise<Policy> {
  return JSON.parse(await readFile(path.join(root, "policies", `${name}.json`), "utf8")) as Policy;
}

/** What README tells the role of an instance to have. */
export async function policyOfReadme(): Promise<Policy> {
  const text = await readFile(path.join(root, "README.md"), "utf8");
  const [, json = ""] = /The instance's role needs:\s+```json\n([\s\S]*?)```/.exec(text) ?? [];
  return JSON.parse(json) as Policy;
}

/** Every action that a policy names, once. */
export function actionsOf(policies: readonly Policy[]): string[] {
  const all = policies.flatMap(({ Statement }) => Statement.flatMap(({ Action }) => Action));
  return [...new Set(all)].sort();
}

/** The policy without an action, wherever it names it. */
export function without(policy: Policy, action: string): Policy {
  return {
    ...policy,
    Statement: policy.Statement.map((one) => ({
      ...one,
      Action: [one.Action].flat().filter((each) => each !== action),
    })).filter(({ Action }) => Action.length > 0),
  };
}

/** From now on instances may do what these policies allow and nothing else. */
export async function govern({ control }: Simulator, policies: readonly Policy[]): Promise<void> {
  const documents = policies.map((policy) => JSON.stringify(policy));
  await control.settings({ policies: [{ principal: "*:assumed-role/*", documents }] });
}

/** The actions that were called, as policies name them. */
export function called({ control }: Simulator): string[] {
  const calls = control.calls().filter(({ service }) => service !== "imds" && service !== "unknown");
  return [...new Set(calls.map(({ service, action }) => `${service}:${action}`))].sort();
}
