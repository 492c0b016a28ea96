import { readFile } from "node:fs/promises";
import path from "node:path";
import { isAllowed, type Permission } from "../../src/simulator/identity-policies.ts";
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

/** The role of an instance that prunes for itself: what README gives one that is backed up. */
export async function policiesOfAgent(): Promise<readonly Policy[]> {
  return Promise.all(["agent-self-pruning", "metrics"].map(policyNamed));
}

/** What the calls of instances since one of a number needed, each permission once. */
export function asked({ control }: Simulator, since = 0, who = ":assumed-role/"): Permission[] {
  const calls = control.calls().filter(({ number, principal }) => {
    return number > since && (principal ?? "").includes(who);
  });
  const all = calls.flatMap(({ permissions = [] }) => permissions);
  return [...new Map(all.map((one) => [JSON.stringify(one), one])).values()];
}

/** What of them the policies do not allow. */
export function notAllowed(policies: readonly Policy[], needed: readonly Permission[]): Permission[] {
  const documents = policies.map((policy) => JSON.stringify(policy));
  return needed.filter((one) => !isAllowed(documents, one));
}

/** Each policy with one thing less: a statement, an action of one, a resource of one; and what that was. */
export function lessened(policy: Policy): { readonly less: string; readonly policy: Policy }[] {
  return policy.Statement.flatMap((statement, index) => {
    const replaced = (less: string, changed: Statement | undefined) => ({
      less: `${statement.Sid} ${less}`,
      policy: {
        ...policy,
        Statement: policy.Statement.flatMap((one, at) =>
          at !== index ? [one] : changed === undefined ? [] : [changed],
        ),
      },
    });
    const each = (key: "Action" | "Resource") => {
      const values = [statement[key]].flat();
      if (values.length < 2) return [];
      return values.map((gone) =>
        replaced(gone, { ...statement, [key]: values.filter((one) => one !== gone) }),
      );
    };
    return [replaced("(all)", undefined), ...each("Action"), ...each("Resource")];
  });
}

/** What of the policies could be left out, and all that was needed would still be allowed. */
export function superfluous(policies: readonly Policy[], needed: readonly Permission[]): string[] {
  return policies.flatMap((policy) => {
    const others = policies.filter((one) => one !== policy);
    return lessened(policy)
      .filter((one) => notAllowed([...others, one.policy], needed).length === 0)
      .map(({ less }) => less);
  });
}

/** Whether something superfluous is of one policy; it begins with the name of its statement. */
export function ofPolicy({ Statement: all }: Policy): (less: string) => boolean {
  return (less) => all.some(({ Sid }) => less.startsWith(`${Sid} `));
}
