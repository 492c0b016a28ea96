import { BackupError } from "../core/errors.ts";
import { type KnownPolicy, knownPolicies } from "../core/policies.ts";
import type { Json } from "../core/policy-fill.ts";
import type { NamedPolicy } from "../core/policy-template.ts";
import { programFile, programFiles } from "../host/program-files.ts";

/** Those of the documents that this installation has. @throws BackupError not-found */
export async function installedPolicies(program: string): Promise<readonly KnownPolicy[]> {
  const files = await programFiles(program, "policies").catch((error: Error) => {
    throw new BackupError({
      kind: "not-found",
      doing: "read the policies",
      found: error.message,
      remedy: "install the package again: they lie beside the program",
    });
  });
  return knownPolicies.filter(({ name }) => files.includes(`${name}.json`));
}

/** One of them. `program`: what was started. @throws the file system's own errors. */
export async function readPolicy(program: string, name: string): Promise<NamedPolicy> {
  return { name, document: JSON.parse(await programFile(program, "policies", `${name}.json`)) as Json };
}
