// Writes the documents of policies/ into the templates that have copies of them: node .ci/templates.mjs
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { stringify } from "yaml";

const policies = path.join(import.meta.dirname, "../policies");
const templates = path.join(policies, "cloudformation");

/** What a role in another account has: it is taken on, and takes on no other. */
const leftOut = { "sweep-member.yaml": ["EnterOtherAccounts"] };

function documentOf(policy, template, indent) {
  const { Version, Statement } = JSON.parse(readFileSync(path.join(policies, `${policy}.json`), "utf8"));
  const kept = Statement.filter(({ Sid }) => !leftOut[template]?.includes(Sid));
  // Older readers of YAML take an unquoted date for one.
  const head = `Version: "${Version}"\n`;
  const text = head + stringify({ Statement: kept }, { lineWidth: 0, defaultStringType: "PLAIN" });
  return text.trimEnd().replaceAll(/^/gm, indent);
}

const known = readdirSync(policies).map((file) => path.parse(file).name);
for (const template of readdirSync(templates)) {
  const file = path.join(templates, template);
  const copied = /^( *)- PolicyName: ([\w-]+)\n +PolicyDocument:\n(?:\1 {4}.*\n)+/gm;
  const text = readFileSync(file, "utf8").replace(copied, (before, indent, policy) => {
    if (!known.includes(policy)) return before;
    const body = documentOf(policy, template, `${indent}    `);
    return `${indent}- PolicyName: ${policy}\n${indent}  PolicyDocument:\n${body}\n`;
  });
  writeFileSync(file, text);
}
