import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { pathToFileURL } from "node:url";
import fc from "fast-check";
import { rolldown } from "rolldown";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { snapshots, volumes } from "./answers.ts";
import { broken, document, noise } from "./documents.ts";

const root = path.join(import.meta.dirname, "../..");
const folder = mkdtempSync(path.join(tmpdir(), "cheaper-"));
const entry = `
  export { parseXML } from "@aws-sdk/xml-builder";
  export { EC2Client, DescribeSnapshotsCommand, DescribeVolumesCommand } from "@aws-sdk/client-ec2";
`;
const runs = Number(process.env["FUZZ_RUNS"] ?? 3_000);
/** Printed with a failure, to have it again. */
const seed = Number(process.env["FUZZ_SEED"] ?? Date.now() % 2 ** 31);

interface Sdk {
  parseXML(xml: string): unknown;
  EC2Client: new (config: object) => { send(command: object): Promise<unknown> };
  DescribeSnapshotsCommand: new (input: object) => object;
  DescribeVolumesCommand: new (input: object) => object;
}

interface Plugin {
  name: string;
}

/** The SDK as the build bundles it, with the given plugins. */
async function sdk(name: string, plugins: Plugin[]): Promise<Sdk> {
  const bundled = await rolldown({
    input: "entry",
    cwd: root,
    platform: "node",
    resolve: { mainFields: ["module", "main"] },
    plugins: [
      {
        name: "entry",
        resolveId: (source) => (source === "entry" ? path.join(root, "entry.js") : null),
        load: (id) => (id === path.join(root, "entry.js") ? entry : null),
      },
      ...plugins,
    ],
  });
  const file = path.join(folder, `${name}.mjs`);
  await bundled.write({ file, format: "esm", codeSplitting: false });
  await bundled.close();
  return import(pathToFileURL(file).href);
}

const build = pathToFileURL(path.join(root, "build-sdk.mjs")).href;
let usual: Sdk;
let cheaper: Sdk;
beforeAll(async () => {
  const { cheaperParsing }: { cheaperParsing(whole?: boolean): Plugin } = await import(build);
  usual = await sdk("usual", []);
  // Without CloudWatch's client not all is there that the build changes.
  cheaper = await sdk("cheaper", [cheaperParsing(false)]);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function outcome(of: () => unknown): unknown {
  try {
    const value = of();
    // Also the order of keys, which a deep comparison does not see.
    return { value, text: JSON.stringify(value) };
  } catch (error) {
    return { error: String(error) };
  }
}

describe("the SDK's XML parser as it is bundled", () => {
  it.each([
    ["whole documents", document],
    ["broken documents", broken],
    ["noise", noise],
  ])("finds in %s what it found before", (_, arbitrary) => {
    fc.assert(
      fc.property(arbitrary, (xml) => {
        expect(outcome(() => cheaper.parseXML(xml))).toEqual(outcome(() => usual.parseXML(xml)));
      }),
      { seed, numRuns: runs },
    );
  });

  it("is given documents of which enough are whole and enough are not", () => {
    const good = (arbitrary: fc.Arbitrary<string>) =>
      fc
        .sample(arbitrary, { seed, numRuns: 300 })
        .filter((xml) => !("error" in (outcome(() => usual.parseXML(xml)) as object))).length;
    expect(good(document)).toBeGreaterThan(150);
    expect(good(broken)).toBeGreaterThan(20);
    expect(good(broken)).toBeLessThan(280);
  });
});

it("fails the build if the SDK is not what it was", async () => {
  const { cheaperParsing }: { cheaperParsing(): Plugin & { transform(code: string, id: string): unknown } } =
    await import(build);
  const id = "/node_modules/@aws-sdk/xml-builder/dist-es/xml-parser.js";
  expect(() => cheaperParsing().transform("export function parseXML() {}", id)).toThrow(/0 times, not 2/);
});

describe("EC2's answers as the bundled SDK reads them", () => {
  async function read(
    from: Sdk,
    command: "DescribeSnapshotsCommand" | "DescribeVolumesCommand",
    xml: string,
  ) {
    const handle = async () => ({
      response: { statusCode: 200, headers: {}, body: new TextEncoder().encode(xml) },
    });
    const client = new from.EC2Client({
      region: "eu-central-1",
      credentials: { accessKeyId: "AKIDEXAMPLE", secretAccessKey: "secret" },
      maxAttempts: 1,
      requestHandler: { handle, metadata: { handlerProtocol: "http/1.1" } },
    });
    try {
      return await client.send(new from[command]({}));
    } catch (error) {
      return String(error);
    }
  }

  it.each([
    ["DescribeSnapshotsCommand", snapshots, "Snapshots"],
    ["DescribeVolumesCommand", volumes, "Volumes"],
  ] as const)("are the same for %s", async (command, arbitrary, member) => {
    let whole = 0;
    await fc.assert(
      fc.asyncProperty(arbitrary, async (xml) => {
        const wanted = await read(usual, command, xml);
        if (typeof wanted === "object" && wanted !== null && member in wanted) whole += 1;
        const got = await read(cheaper, command, xml);
        expect(got).toEqual(wanted);
        expect(JSON.stringify(got)).toBe(JSON.stringify(wanted));
      }),
      { seed, numRuns: 200 },
    );
    expect(whole).toBeGreaterThan(20);
  });
});
