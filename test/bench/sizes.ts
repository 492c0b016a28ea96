import { readFileSync } from "node:fs";
import path from "node:path";
import { against, fixed, printTable } from "./table.ts";

interface Output {
  bytes: number;
  entryPoint?: string;
  inputs: Record<string, { bytesInOutput: number }>;
  imports: { path: string; kind: string }[];
}

const goals = { total: 450, schema: 20 };

/** Everything that the agent can load: what is reachable from its command. */
export function agentOutputs(meta: { outputs: Record<string, Output> }): Map<string, Output> {
  const found = new Map<string, Output>();
  const visit = (name: string) => {
    const output = meta.outputs[name];
    if (output === undefined || found.has(name)) return;
    found.set(name, output);
    for (const { path: next } of output.imports) visit(next);
  };
  visit("dist/ec2-backup.js");
  return found;
}

/** How large the agent is and which packages make it so. */
export function sizes(root: string): void {
  const meta = JSON.parse(readFileSync(path.join(root, "dist/meta.json"), "utf8"));
  const outputs = agentOutputs(meta);
  const packages = new Map<string, number>();
  let schema = 0;
  for (const { inputs } of outputs.values()) {
    for (const [name, { bytesInOutput }] of Object.entries(inputs)) {
      const owner = /node_modules\/((?:@[^/]+\/)?[^/]+)\/(?!.*node_modules\/)/.exec(name)?.[1] ?? "our own";
      packages.set(owner, (packages.get(owner) ?? 0) + bytesInOutput);
      if (name.includes("client-ec2/dist-es/schemas/")) schema += bytesInOutput;
    }
  }
  const kilo = (bytes: number) => bytes / 1000;
  const total = [...outputs.values()].reduce((sum, output) => sum + output.bytes, 0);
  printTable(
    `The agent's bundle, ${outputs.size} files, kB minified`,
    ["part", "kB"],
    [
      ["all of it", against(kilo(total), goals.total, 0)],
      ["  of it the EC2 schema", against(kilo(schema), goals.schema, 1)],
      ...[...packages]
        .sort((a, b) => b[1] - a[1])
        .slice(0, 20)
        .map(([name, bytes]) => [`  ${name}`, fixed(kilo(bytes), 1)]),
    ],
  );
}
