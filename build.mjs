// Bundles the two commands and the function of AWS Lambda into dist/, with the licence texts and a list of what went in.
//
// The agent is one small launcher and CommonJS chunks: CommonJS starts faster than ES modules, and chunks
// keep what a run does not need from being read. So src/ must not use top-level await.
import { createHash } from "node:crypto";
import { chmod, mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { rolldown } from "rolldown";
import { minifySync } from "rolldown/utils";
import { cheaperParsing, checkSchema, onlyMembersWeRead, onlyWhatWeName } from "./build-sdk.mjs";

const root = import.meta.dirname;
const dist = path.join(root, "dist");
const [members, membersApart] = await Promise.all(
  ["members", "members-apart"].map(async (name) =>
    JSON.parse(await readFile(path.join(root, `src/aws/${name}.json`), "utf8")),
  ),
);
const { version } = JSON.parse(await readFile(path.join(root, "package.json"), "utf8"));

/** Modules that bundling cannot see are never reached. Each must still be met, or the table is out of date. */
const LEFT_OUT = [
  { module: /^@smithy\/core\/event-streams$/, why: "no operation we call streams events" },
  {
    module:
      /^\.\/(align|cli|colorize|errors|label|logstash|metadata|ms|pad-levels|pretty-print|simple|splat|uncolorize|json|timestamp)(\.js)?$/,
    from: /logform\/index\.js$/,
    why: "src/log.ts makes its lines itself",
  },
  {
    module: /^(async\/forEach|stack-trace)$/,
    from: /winston\/lib\/winston\//,
    why: "our loggers are never ended and handle no exceptions",
  },
  {
    module: /^glossy$/,
    from: /winston-syslog\/lib\/winston-syslog\.js$/,
    why: "src/log/syslog-frame.ts makes the messages",
  },
  {
    module: /^unix-dgram$/,
    from: /winston-syslog\/lib\/winston-syslog\.js$/,
    why: "it is a native addon; the local socket is spoken to by logger(1)",
  },
  {
    module: /^\.\/(file|http|stream)$/,
    from: /winston\/lib\/winston\/transports\/index\.js$/,
    why: "only the console and our own transports are used",
  },
  {
    module: /^\.\/custom\/(trap|zalgo)$/,
    from: /@colors\/colors\/lib\/colors\.js$/,
    why: "nobody writes a log like that",
  },
  {
    module: /^@aws-sdk\/credential-providers$/,
    from: /mongodb\/lib\/deps\.js$/,
    why: "MongoDB's logins by AWS are not offered, and the whole SDK would come with them",
  },
];

/** `whole`: all that the table names must be met. */
function leaveOut(whole = true) {
  const met = new Set();
  return {
    name: "leave-out",
    resolveId(source, importer = "") {
      const entry = LEFT_OUT.find(
        (e) => e.module.test(source) && (!e.from || e.from.test(importer.replaceAll("\\", "/"))),
      );
      if (!entry) return null;
      met.add(entry);
      return { id: `\0left-out:${LEFT_OUT.indexOf(entry)}:${source}` };
    },
    load(id) {
      if (!id.startsWith("\0left-out:")) return null;
      const [, index, source] = id.split(":");
      const message = `${source} is left out of the bundle: ${LEFT_OUT[Number(index)].why}`;
      return `module.exports = new Proxy({}, { get(_, key) { if (typeof key === 'string' && !['then', '__esModule', 'default'].includes(key)) throw new Error(${JSON.stringify(message)}); } });`;
    },
    buildEnd(error) {
      const stale = LEFT_OUT.filter((e) => !met.has(e));
      if (whole && !error && stale.length > 0)
        this.error(`nothing matches ${stale.map((e) => e.module).join(", ")} any more: update LEFT_OUT`);
    },
  };
}

const winston = JSON.parse(await readFile(path.join(root, "node_modules/winston/package.json"), "utf8"));

/** Modules that are replaced by less. Each must still be met, or the table is out of date. */
const REPLACED = [
  {
    module: /^safe-stable-stringify$/,
    by: "{ configure: () => JSON.stringify }",
    why: "only winston's default logger asks for it, which nobody uses",
  },
  {
    module: /^readable-stream$/,
    by: "require('node:stream')",
    why: "winston brings its own copy of Node's streams, for versions of Node that had none so good",
  },
  {
    module: /^readable-stream\/lib\/_stream_writable\.js$/,
    by: "require('node:stream').Writable",
    why: "so, too",
  },
  {
    module: /(exception|rejection)-handler$/,
    from: /winston\/lib\/winston(\/logger)?\.js$/,
    by: "class { unhandle() {} }",
    why: "each logger makes both, and ours handle no exceptions",
  },
  {
    module: /^\.\/profiler$/,
    from: /winston\/lib\/winston\/logger\.js$/,
    by: "class {}",
    why: "nobody profiles",
  },
  {
    module: /^\.\.\/package\.json$/,
    from: /winston\/lib\/winston\.js$/,
    by: JSON.stringify({ version: winston.version }),
    why: "of all that it says, the syslog transport asks for the version",
  },
  {
    module: /^node:crypto$/,
    from: /node-cron\/dist\//,
    by: "(() => { let made = 0; return { randomUUID: () => String(++made) }; })()",
    why: "nobody but the daemon itself sees the names of its tasks, and for them it would hold 1.6 MiB for weeks",
  },
  {
    module: /(^|\/)legacy$/,
    from: /winston(-transport\/modern|-transport\/index|\/lib\/winston\/logger)\.js$/,
    by: "class {}",
    why: "our transports are none of winston's second version",
  },
];

function replaced() {
  const met = new Set();
  return {
    name: "replaced",
    resolveId(source, importer = "") {
      const from = importer.replaceAll("\\", "/");
      const index = REPLACED.findIndex((one) => one.module.test(source) && (one.from ?? /./).test(from));
      if (index < 0) return null;
      met.add(index);
      return `\0replaced:${index}`;
    },
    load: (id) => (id.startsWith("\0replaced:") ? `module.exports = ${REPLACED[id.slice(10)].by};` : null),
    buildEnd(error) {
      const stale = REPLACED.filter((_, index) => !met.has(index));
      if (!error && stale.length > 0)
        this.error(`nothing matches ${stale.map((one) => one.module).join(", ")} any more: update REPLACED`);
    },
  };
}

/** One sign that is not ASCII, and V8 keeps the whole chunk in two bytes a sign. They only stand in texts. */
function asciiOnly() {
  const escaped = (sign) => `\\u${sign.charCodeAt(0).toString(16).padStart(4, "0")}`;
  return {
    name: "ascii-only",
    generateBundle(_, chunks) {
      for (const chunk of Object.values(chunks)) chunk.code = chunk.code.replace(/[^\0-\x7f]/g, escaped);
    },
  };
}

/**
 * What a chunk gives to others is written out at length, some 90 bytes each, two hundred times a run. The same
 * getters are made by a function that each chunk has once; as a declaration it is there before all else.
 */
function shortGetters() {
  const getter =
    /Object\.defineProperty\(exports,(["'`])([\w$]+)\1,\{enumerable:!0,get:function\(\)\{return ([\w$]+)\}\}\)/g;
  return {
    name: "short-getters",
    generateBundle(_, chunks) {
      let met = 0;
      for (const chunk of Object.values(chunks)) {
        if (chunk.code.includes("$give$")) this.error(`${chunk.fileName} uses the name $give$ already`);
        const before = met;
        const code = chunk.code.replace(getter, (_whole, _quote, name, value) => {
          met += 1;
          return `$give$("${name}",()=>${value})`;
        });
        if (met > before)
          chunk.code = `${code.trimEnd()}\nfunction $give$(e,t){Object.defineProperty(exports,e,{enumerable:!0,get:t})}\n`;
      }
      if (met === 0) this.error("no chunk gives anything to another as it did: update shortGetters");
    },
  };
}

/**
 * `import('node:http')` builds a namespace by reading every export, and one of them loads a whole second
 * HTTP client (some 30 ms). Asking for the module itself reads nothing.
 */
function builtinsWithoutNamespace() {
  return {
    name: "builtins-without-namespace",
    resolveDynamicImport(source) {
      return source.startsWith("node:") ? { id: `\0builtin:${source}` } : null;
    },
    load(id) {
      return id.startsWith("\0builtin:") ? `module.exports = require(${JSON.stringify(id.slice(9))});` : null;
    },
  };
}

/** Who has a copy of a package of the SDK to themselves. */
const APART = [
  { name: "alarms", asking: /src\/aws\/alarms\.ts$/, client: "@aws-sdk/client-cloudwatch" },
  {
    name: "restore",
    asking:
      /src\/aws\/(restore-[a-z-]+|directory-[a-z-]+|sweep-[a-z-]+|default-region|job-images|lock-snapshots)\.ts$/,
    client: "@aws-sdk/client-ec2",
  },
];

/**
 * The shapes of all requests of a service stand in one module, and what any file asks of it would be read by
 * every run. So what no run asks for has a copy of the package to itself.
 */
function apart({ name, asking, client }) {
  const mark = `?${name}`;
  let met = false;
  return {
    name: `${name}-apart`,
    async resolveId(source, importer = "") {
      const from = importer.replaceAll("\\", "/");
      const inside = from.endsWith(mark);
      if (!inside && !(source === client && asking.test(from))) return null;
      const found = await this.resolve(source, importer.replace(mark, ""), { skipSelf: true });
      if (found === null || !found.id.replaceAll("\\", "/").includes(`${client}/dist-es/`)) {
        return found;
      }
      met = true;
      return { id: `${found.id}${mark}`, moduleSideEffects: false };
    },
    load: (id) => (id.endsWith(mark) ? readFile(id.slice(0, -mark.length), "utf8") : null),
    buildEnd(error) {
      if (!error && !met) this.error(`no ${asking} asks anything of ${client} any more: update APART`);
    },
  };
}

/** The texts of a folder's modules; no other folder names EC2's client. */
async function sourcesOf(folder) {
  const names = (await readdir(path.join(root, folder))).filter((name) => name.endsWith(".ts"));
  return Promise.all(names.map((name) => readFile(path.join(root, folder, name), "utf8")));
}

/** A digest of all that decides what is built. */
async function digestOfSources() {
  const sources = await readdir(path.join(root, "src"), { recursive: true, withFileTypes: true });
  const files = sources.filter((one) => one.isFile()).map((one) => path.join(one.parentPath, one.name));
  const scripts = ["package-lock.json", "build.mjs", "build-sdk.mjs"].map((name) => path.join(root, name));
  const digest = createHash("sha256");
  for (const file of [...files.sort(), ...scripts])
    digest.update(`${path.relative(root, file)}\n`).update(await readFile(file));
  return digest.digest("hex").slice(0, 16);
}

const shared = {
  cwd: root,
  platform: "node",
  resolve: { mainFields: ["module", "main"] },
  transform: {
    target: "node22",
    define: {
      "process.env.NODE_ENV": '"production"',
      __VERSION__: JSON.stringify(version),
      __SOURCES__: JSON.stringify(await digestOfSources()),
    },
  },
  onLog(level, log, next) {
    // How busy the machine is says nothing of what is built.
    if (log.code === "PLUGIN_TIMINGS") return;
    if (level === "warn") throw new Error(`warning while bundling: ${log.message}`);
    next(level, log);
  },
};
const minify = {
  compress: true,
  mangle: { keepNames: { class: true, function: false } },
  codegen: { removeWhitespace: true },
};

async function bundle(input, output) {
  const bundled = await rolldown({ ...shared, ...input });
  const { output: files } = await bundled.write({ dir: dist, minify, comments: { legal: false }, ...output });
  await bundled.close();
  return files.filter((file) => file.type === "chunk");
}

/**
 * What each module of a chunk has of its bytes. The bundler only tells sizes before minifying, so each is
 * minified alone (where nothing seems to use its exports, hence `unused`) and the shares scaled to the chunk.
 */
function bytesByModule(chunk) {
  const alone = { ...minify, compress: { unused: false }, mangle: { ...minify.mangle, toplevel: true } };
  const modules = Object.entries(chunk.modules).filter(([, { code }]) => code);
  const sizes = modules.map(([, { code }]) => minifySync("part.cjs", code, alone).code.length);
  const scale = Buffer.byteLength(chunk.code) / sizes.reduce((sum, size) => sum + size, 0);
  return modules.map(([id], index) => [id, Math.round(sizes[index] * scale)]);
}

/** esbuild's metafile shape, since tools read it: what each output is made of, in bytes. */
function metaOf(chunks) {
  const inputs = {};
  const outputs = {};
  for (const chunk of chunks) {
    const parts = {};
    for (const [id, bytesInOutput] of bytesByModule(chunk)) {
      const name = id.startsWith("\0") ? id.slice(1) : path.relative(root, id).replaceAll("\\", "/");
      inputs[name] = { bytes: chunk.modules[id].code.length };
      parts[name] = { bytesInOutput };
    }
    outputs[`dist/${chunk.fileName}`] = {
      bytes: Buffer.byteLength(chunk.code),
      inputs: parts,
      imports: [
        ...chunk.imports.map((file) => ({ path: `dist/${file}`, kind: "import-statement" })),
        ...chunk.dynamicImports.map((file) => ({ path: `dist/${file}`, kind: "dynamic-import" })),
      ].filter(({ path: file }) => chunks.some((other) => `dist/${other.fileName}` === file)),
      ...(chunk.isEntry ? { entryPoint: path.relative(root, chunk.facadeModuleId) } : {}),
    };
  }
  return { inputs, outputs };
}

/** Licences that a package's repository has and its archive lacks. */
const FORGOTTEN = {
  "@redis/client": `MIT License

Copyright (c) 2022-2025, Redis, inc.

Permission is hereby granted, free of charge, to any person obtaining a copy
of this software and associated documentation files (the "Software"), to deal
in the Software without restriction, including without limitation the rights
to use, copy, modify, merge, publish, distribute, sublicense, and/or sell
copies of the Software, and to permit persons to whom the Software is
furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all
copies or substantial portions of the Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR
IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY,
FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE
AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER
LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM,
OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE
SOFTWARE.`,
};

async function noticeFiles(folder) {
  const names = (await readdir(folder)).filter((name) => /^(licen[cs]e|notice|copying)/i.test(name)).sort();
  return Promise.all(names.map((name) => readFile(path.join(folder, name), "utf8")));
}

/** A bundle is a copy, so the licences' texts go with it: each text once, above it who it belongs to. */
async function notices(inputs) {
  const folders = new Set(
    inputs.map((name) => /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(name)?.[1]).filter(Boolean),
  );
  const owners = new Map();
  for (const folder of [...folders].sort()) {
    const { name, version, license } = JSON.parse(
      await readFile(path.join(root, folder, "package.json"), "utf8"),
    );
    const texts = await noticeFiles(path.join(root, folder));
    if (texts.length === 0 && name in FORGOTTEN) texts.push(FORGOTTEN[name]);
    // Some AWS packages forget the file; the Apache text is the same for all.
    if (texts.length === 0 && license !== "Apache-2.0")
      throw new Error(`${folder} (${license}) has no licence text to ship`);
    const text =
      texts.length > 0
        ? texts.join("\n").trim()
        : [...owners.keys()].find((known) => /Apache License/.test(known));
    owners.set(text, [...(owners.get(text) ?? []), `${name} ${version} (${license})`]);
  }
  const rule = `\n\n${"=".repeat(80)}\n\n`;
  return [...owners]
    .map(([text, names]) => `${names.join("\n")}\n\n${text}`)
    .join(rule)
    .concat("\n");
}

await rm(dist, { recursive: true, force: true });
await mkdir(dist);

const agent = await bundle(
  {
    input: { main: "src/main.ts" },
    plugins: [
      leaveOut(),
      replaced(),
      builtinsWithoutNamespace(),
      onlyMembersWeRead(members, membersApart),
      cheaperParsing(),
      asciiOnly(),
      shortGetters(),
      ...APART.map(apart),
    ],
  },
  // No hash in the names, so that an upgrade overwrites the compiled code that src/launcher.mjs keeps.
  { format: "cjs", entryFileNames: "agent/[name].cjs", chunkFileNames: "agent/[name].cjs" },
);
const launcher = await readFile(path.join(root, "src/launcher.mjs"), "utf8");
await writeFile(path.join(dist, "ec2-backup.js"), launcher);

// One file, which Lambda loads as a module. Of a sweep nothing is left out, and nothing of a run is in it.
const lambda = await bundle(
  {
    input: { index: "src/lambda.ts" },
    plugins: [
      leaveOut(false),
      builtinsWithoutNamespace(),
      onlyMembersWeRead(members, membersApart, true),
      onlyWhatWeName(await sourcesOf("src/aws")),
      cheaperParsing(false),
      asciiOnly(),
    ],
  },
  { format: "esm", codeSplitting: false, entryFileNames: "lambda/[name].mjs" },
);

const simulator = await bundle(
  { input: { "ec2-backup-simulator": "src/simulator/main.ts" } },
  { format: "esm", codeSplitting: false },
);

const [meta, others] = [metaOf(agent), metaOf([...lambda, ...simulator])];
checkSchema(meta);
for (const part of ["inputs", "outputs"]) Object.assign(meta[part], others[part]);
meta.outputs["dist/ec2-backup.js"] = {
  bytes: launcher.length,
  inputs: {},
  imports: [{ path: "dist/agent/main.cjs", kind: "require-call" }],
};
await writeFile(path.join(dist, "meta.json"), JSON.stringify(meta, null, 1));
await writeFile(path.join(dist, "THIRD-PARTY-LICENSES.txt"), await notices(Object.keys(meta.inputs)));
for (const command of ["ec2-backup.js", "ec2-backup-simulator.js"])
  await chmod(path.join(dist, command), 0o755);
