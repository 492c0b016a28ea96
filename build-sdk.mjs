// What the build changes in the AWS SDK. All of it is asserted: where the SDK is no longer as it is described
// here, the build fails.
import { parseAst } from "rolldown/parseAst";

/** Of over 500 KB that the SDK has: shaking and cutting work, or the build fails. */
const EC2_SCHEMA_LIMIT = 20_000;
/** With the copies that commands have to themselves, which no run reads. */
const EC2_SCHEMAS_LIMIT = 60_000;
const EC2_SCHEMA = /@aws-sdk\/client-ec2\/dist-es\/schemas\//;

export function checkSchema(meta) {
  const parts = Object.values(meta.outputs).flatMap((output) => Object.entries(output.inputs));
  const bytesOf = (counts) =>
    parts
      .filter(([name]) => EC2_SCHEMA.test(name) && counts(name))
      .reduce((sum, [, part]) => sum + part.bytesInOutput, 0);
  const judged = [
    [bytesOf((name) => !name.includes("?")), EC2_SCHEMA_LIMIT],
    [bytesOf(() => true), EC2_SCHEMAS_LIMIT],
  ];
  for (const [bytes, limit] of judged)
    if (bytes === 0 || bytes > limit)
      throw new Error(
        `the EC2 schema takes ${bytes} bytes of the bundle (expected 1 to ${limit}): is it still shaken?`,
      );
}

/**
 * Leaves out of the SDK's schema what we never read of EC2's answers: src/aws/members.json names what we
 * read of each structure, and a test holds the sources against it. A structure or member that is not found
 * fails the build. The copies that commands have to themselves keep what src/aws/members-apart.json names, too;
 * `always`: in this bundle no command has a copy to itself.
 */
export function onlyMembersWeRead(ofRuns, apart, always = false) {
  const names = Object.keys({ ...ofRuns, ...apart });
  const both = Object.fromEntries(
    names.map((name) => [name, [...(ofRuns[name] ?? []), ...(apart[name] ?? [])]]),
  );
  return {
    name: "only-members-we-read",
    transform(code, id) {
      if (!EC2_SCHEMA.test(id.replaceAll("\\", "/"))) return null;
      const wanted = always || id.includes("?") ? both : ofRuns;
      const { body } = parseAst(code);
      const declared = body.flatMap((node) => (node.declaration ?? node).declarations ?? []);
      const texts = new Map(declared.map(({ id: name, init }) => [name.name, init?.value]));
      const cuts = Object.entries(wanted).flatMap(([structure, members]) => {
        const schema = declared.find(({ id: name }) => name.name === `${structure}$`)?.init.elements;
        if (!schema)
          throw new Error(`the SDK's schema has no structure ${structure}: update src/aws/members.json`);
        const [names, shapes] = [schema[4].elements, schema[5].elements];
        const kept = names
          .map((name, index) => [texts.get(name.name), name, shapes[index]])
          .filter(([text]) => members.includes(text));
        if (kept.length !== members.length)
          throw new Error(`${structure} lacks members that src/aws/members.json names`);
        return [1, 2].map((part) => ({
          from: schema[part + 3].start,
          to: schema[part + 3].end,
          text: `[${kept.map((member) => code.slice(member[part].start, member[part].end)).join(",")}]`,
        }));
      });
      return cuts
        .sort((a, b) => b.from - a.from)
        .reduce((text, cut) => text.slice(0, cut.from) + cut.text + text.slice(cut.to), code);
    },
  };
}

/**
 * Leaves out of EC2's lists of commands and paginators what `sources` never names. Where a bundle loads the SDK late and is
 * one file, nothing is shaken: an empty beginning would stay of each of some 800.
 */
export function onlyWhatWeName(sources) {
  const named = new Set(sources.join("\n").match(/\b\w+(?:Command|Paginator)\b/g));
  return {
    name: "only-what-we-name",
    transform(code, id) {
      const [, kind] =
        /client-ec2\/dist-es\/(commands|pagination)\/index\.js$/.exec(id.replaceAll("\\", "/")) ?? [];
      if (kind === undefined) return null;
      const lines = code.split("\n");
      const kept = lines.filter((line) => named.has(/\.\/(\w+)"/.exec(line)?.[1]));
      if (lines.length < 20 || (kind === "commands" && kept.length < 10))
        throw new Error(`${id} is no list of files any more`);
      return kept.length === 0 ? "export {};" : kept.join("\n");
    },
  };
}

const cutOut = (text, end) =>
  `{ const end = ${end}; const to = end === -1 ? p.z : end; ${text} = p.x.slice(p.i, to); p.i = to; }`;

/** Most elements hold one text and nothing else, neither attributes nor entities: those are read at a stroke. */
const LEAF = `
  {
    const leaf = /<([^\\s>\\/]+)>([^<&]*)<\\/\\1>/y;
    leaf.lastIndex = p.i;
    const found = leaf.exec(p.x);
    if (found !== null) {
      p.i = leaf.lastIndex;
      const text = found[2];
      return { tag: found[1], value: text.includes("\\n") && text.trim() === "" ? "" : text };
    }
  }`;

/** To name the class of web streams is to load them, and whatever is one has this. */
const unlessStream = (of) => `typeof ${of}?.getReader === "function" && `;

const lazyImport = (name) => ({
  find: new RegExp(`import \\{ ${name} \\} from "node:zlib";`, "g"),
  times: 1,
  put: () => `const ${name} = (...all) => process.getBuiltinModule("node:zlib").${name}(...all);`,
});

/**
 * The SDK's XML parser and schema walk do most of a run's work. Here they do the same with less: a text is
 * cut out instead of put together sign by sign, one without entities is not searched for them, and a string
 * of the schema is itself. test/sdk/cheaper-parsing.test.ts holds them against what the SDK has.
 */
const CHEAPER = [
  {
    module: /@aws-sdk\/xml-builder\/dist-es\/xml-parser\.js$/,
    places: [
      {
        find: /while \(p\.i < p\.z && p\.x\[p\.i\] !== (quote|"<")\) \{\s*(\w+) \+= p\.x\[p\.i\+\+\];\s*\}/g,
        times: 2,
        put: (_, stop, text) => cutOut(text, `p.x.indexOf(${stop}, p.i)`),
      },
      {
        find: /while \(p\.i < p\.z && !"([^"]+)"\.includes\(p\.x\[p\.i\]\)\) \{\s*(\w+) \+= p\.x\[p\.i\+\+\];\s*\}/g,
        times: 2,
        put: (_, stops, name) =>
          `{ const stop = /[${stops.replaceAll("/", "\\/")}]/g; stop.lastIndex = p.i; const to = stop.test(p.x) ? stop.lastIndex - 1 : p.z; ${name} = p.x.slice(p.i, to); p.i = to; }`,
      },
      {
        find: /parseTag\(\) \{\s*const p = this;/g,
        times: 1,
        put: (begin) => `${begin} ${LEAF}`,
      },
      {
        find: /decodeEntities\(s\) \{/g,
        times: 1,
        put: (begin) => `${begin} if (!s.includes("&")) return s;`,
      },
    ],
  },
  {
    // Metrics are compressed from 10 KB on, which a run's never are.
    module: /@smithy\/middleware-compression\/dist-es\/compressString\.js$/,
    places: [lazyImport("gzip")],
  },
  {
    module: /@smithy\/middleware-compression\/dist-es\/compressStream\.js$/,
    places: [lazyImport("createGzip")],
  },
  {
    module: /@smithy\/core\/dist-es\/submodules\/serde\/util-stream\/stream-type-check\.js$/,
    places: [
      {
        find: /(?<=isReadableStream = \((\w+)\) => )(?=typeof ReadableStream)/g,
        times: 1,
        put: (_, stream) => unlessStream(stream),
      },
    ],
  },
  {
    module:
      /@smithy\/core\/dist-es\/submodules\/retry\/middleware-retry\/isStreamingPayload\/isStreamingPayload\.js$/,
    places: [
      {
        find: /(?<=\|\|\s*\()(?=typeof ReadableStream)/g,
        times: 1,
        put: () => unlessStream("request?.body"),
      },
    ],
  },
  {
    module: /@aws-sdk\/core\/dist-es\/submodules\/protocols\/xml\/XmlShapeDeserializer\.js$/,
    places: [
      {
        find: /const traits = ns\.getMergedTraits\(\);/g,
        times: 1,
        put: (line) =>
          `${line} if (typeof value === "string" && ns.getSchema() === 0 && !traits.mediaType) return value;`,
      },
      {
        find: /buffer\[memberName\] = (this\.readSchema\(memberSchema, (value\[xmlObjectKey\])\));/g,
        times: 1,
        put: (_, read, value) =>
          `buffer[memberName] = typeof ${value} === "string" && memberSchema.getSchema() === 0 && !memberTraits.mediaType ? ${value} : ${read};`,
      },
    ],
  },
];

/** `whole` says that all that the table names must be in the bundle. */
export function cheaperParsing(whole = true) {
  const met = new Set();
  return {
    name: "cheaper-parsing",
    transform(code, id) {
      const entry = CHEAPER.find(({ module }) => module.test(id.replaceAll("\\", "/")));
      if (!entry) return null;
      met.add(entry);
      return entry.places.reduce((text, { find, times, put }) => {
        const found = [...text.matchAll(find)].length;
        if (found !== times)
          throw new Error(`${id} has ${find} ${found} times, not ${times}: update CHEAPER`);
        return text.replaceAll(find, put);
      }, code);
    },
    buildEnd(error) {
      const stale = CHEAPER.filter((entry) => !met.has(entry));
      if (whole && !error && stale.length > 0)
        this.error(
          `the bundle has no ${stale.map(({ module }) => module).join(", ")} any more: update CHEAPER`,
        );
    },
  };
}
