// The whole agent in one file, for who has a Node already: the very chunks of dist/agent, each in a function of its
// own, so that what a command does not need is not compiled, and the texts that lie beside the program elsewhere.
import { type Entry, type Source, text } from "./source.ts";

const folders = ["policies", "systemd", "windows"] as const;

export function singleFile({ program }: Source): Entry {
  const textOf = ({ content }: Entry): string => content.toString();
  const chunks = program.flatMap((entry) => {
    const [, name] = /^dist\/agent\/([^/]+\.cjs)$/.exec(entry.path) ?? [];
    return name === undefined
      ? []
      : [`${JSON.stringify(`./${name}`)}(exports,require,module,__filename,__dirname){\n${textOf(entry)}\n}`];
  });
  const files = folders.map((folder) => {
    const inside = program.filter((entry) => entry.path.startsWith(`${folder}/`));
    return [
      folder,
      Object.fromEntries(inside.map((entry) => [entry.path.slice(folder.length + 1), textOf(entry)])),
    ];
  });
  const licences = program.find((entry) => entry.path === "dist/THIRD-PARTY-LICENSES.txt");
  if (chunks.length === 0 || licences === undefined)
    throw new Error("there is no dist/agent to put into one file");
  return text(
    "ec2-backup.cjs",
    `#!/usr/bin/env node
const [major, minor] = process.versions.node.split(".").map(Number);
if (major < 22 || (major === 22 && minor < 12)) {
  console.error(
    "ec2-backup: this is Node.js " + process.version + ", and 22.12 or newer is needed (https://nodejs.org)",
  );
  process.exit(78);
}
const __PROGRAM_FILES__ = ${JSON.stringify(Object.fromEntries(files)).replaceAll(/[^\0-\x7f]/g, escaped)};
const known = new Map();
const load = (id) => {
  const chunk = Object.hasOwn(chunks, id) ? chunks[id] : undefined;
  if (chunk === undefined) return require(id);
  const before = known.get(id);
  if (before !== undefined) return before.exports;
  const made = { exports: {} };
  known.set(id, made);
  chunk.call(made.exports, made.exports, load, made, __filename, __dirname);
  return made.exports;
};
const chunks = {
${chunks.join(",\n")}
};
load("./main.cjs");
/* What it was made of:

${textOf(licences)
  .replaceAll("*/", "* /")
  .replaceAll(/[^\0-\x7f]/g, "?")}
*/
`,
    0o755,
  );
}

/** One sign that is not ASCII, and V8 keeps the whole file in two bytes a sign. */
function escaped(sign: string): string {
  return `\\u${sign.charCodeAt(0).toString(16).padStart(4, "0")}`;
}
