import { DescribeSnapshotsCommand, type DescribeSnapshotsResult, EC2Client } from "@aws-sdk/client-ec2";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { inGroupsOfItems } from "../../src/aws/item-groups.ts";
import { readSnapshots } from "../../src/aws/read-snapshots.ts";
import { snapshots } from "../sdk/answers.ts";

/** What the SDK reads of an answer. */
async function bySdk(xml: string): Promise<DescribeSnapshotsResult> {
  const handle = async () => ({ response: { statusCode: 200, headers: {}, body: Buffer.from(xml) } });
  const client = new EC2Client({
    region: "eu-central-1",
    credentials: { accessKeyId: "AKIDEXAMPLE", secretAccessKey: "secret" },
    maxAttempts: 1,
    requestHandler: { handle, metadata: { handlerProtocol: "http/1.1" } } as never,
  });
  return client.send(new DescribeSnapshotsCommand({}));
}

async function* pieces(xml: string, size: number): AsyncGenerator<Uint8Array> {
  const bytes = Buffer.from(xml);
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

const letters = fc.stringMatching(/^[ -~äß€\u{1F600}]{0,40}$/u);
const escaped = (value: string) =>
  value.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&#34;");
const leaf = (name: string, value: string) =>
  value === "" ? `<${name}/>` : `<${name}>${escaped(value)}</${name}>`;

/** Snapshots as EC2 writes them, those of others' fields included. */
const written = fc
  .record({
    description: letters,
    state: fc.constantFrom("completed", "pending", "error", "recoverable"),
    size: fc.integer({ min: 1, max: 65_536 }),
    full: fc.option(fc.integer({ min: 0, max: 2 ** 40 })),
    encrypted: fc.boolean(),
    archived: fc.boolean(),
    at: fc.date({ min: new Date(0), max: new Date("2099-01-01"), noInvalidDate: true }),
    tags: fc.array(fc.record({ key: letters, value: letters }), { maxLength: 5 }),
    blank: fc.constantFrom("", "\n        "),
  })
  .map(({ description, state, size, full, encrypted, archived, at, tags, blank }) =>
    [
      "<item>",
      leaf("snapshotId", "snap-0123456789abcdef0"),
      leaf("volumeId", "vol-0123456789abcdef0"),
      leaf("status", state),
      leaf("startTime", at.toISOString()),
      leaf("progress", "100%"),
      leaf("ownerId", "111122223333"),
      leaf("volumeSize", String(size)),
      leaf("description", description),
      leaf("encrypted", String(encrypted)),
      ...(full === null ? [] : [leaf("fullSnapshotSizeInBytes", String(full))]),
      leaf("storageTier", archived ? "archive" : "standard"),
      "<productCodes><item><a>b</a></item></productCodes>",
      tags.length === 0 ? "<tagSet/>" : "<tagSet>",
      ...tags.flatMap(({ key, value }) => ["<item>", leaf("key", key), leaf("value", value), "</item>"]),
      tags.length === 0 ? "" : "</tagSet>",
      "</item>",
    ].join(blank),
  );

const answer = (items: readonly string[]) =>
  `<?xml version="1.0" encoding="UTF-8"?>\n<DescribeSnapshotsResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><requestId>r</requestId><snapshotSet>${items.join("\n")}</snapshotSet><nextToken>next</nextToken></DescribeSnapshotsResponse>`;

/** The same through groups that end wherever they do. */
async function inParts(xml: string, size: number): Promise<DescribeSnapshotsResult> {
  const found: DescribeSnapshotsResult["Snapshots"] = [];
  const rest = await inGroupsOfItems(
    pieces(xml, size),
    "snapshotSet",
    async (group) => void found.push(...(readSnapshots(group.toString()).Snapshots ?? [])),
    1_000,
  );
  const { Snapshots = [], ...others } = await bySdk(rest.toString());
  return { ...others, Snapshots: [...found, ...Snapshots] };
}

describe("a list of snapshots that is read while it comes", () => {
  test("is what the SDK reads of the whole", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(written, { maxLength: 12 }),
        fc.integer({ min: 1, max: 4_000 }),
        async (items, size) => {
          const xml = answer(items);
          const whole = await bySdk(xml);
          const ours = await inParts(xml, size);
          // What nobody reads is not read.
          const less = whole.Snapshots?.map(({ OwnerId: _, ...one }) => one);
          expect(ours).toEqual({ ...whole, Snapshots: less });
        },
      ),
      { numRuns: 100 },
    );
  });

  test("is, whatever it holds, read as the SDK does or not at all", async () => {
    let both = 0;
    await fc.assert(
      fc.asyncProperty(snapshots, fc.integer({ min: 1, max: 500 }), async (xml, size) => {
        const ours = await inParts(xml, size).catch(() => undefined);
        if (ours === undefined) return;
        both += 1;
        expect(ours).toEqual(await bySdk(xml));
      }),
      { numRuns: 200 },
    );
    expect(both).toBeGreaterThan(10);
  });

  test("that breaks off is no list", async () => {
    const xml = answer(fc.sample(written, { seed: 1, numRuns: 8 }));
    for (let end = xml.indexOf("<item>"); end < xml.length - 1; end += 97)
      await expect(inParts(xml.slice(0, end), 300), `cut at ${end}`).rejects.toThrow();
  });

  test.each([
    [
      "a snapshot with two ids",
      "<snapshotId>snap-1</snapshotId><snapshotId>snap-2</snapshotId>",
      /snapshotId twice/,
    ],
    ["a size that is none", "<volumeSize>many</volumeSize>", /the number many/],
    ["an attribute", '<snapshotId kind="x">snap-1</snapshotId>', /a tag that is none/],
    ["text beside elements", "loose<snapshotId>snap-1</snapshotId>", /text between elements/],
    ["a sign nobody knows", "<description>&nbsp;</description>", /the sign &nbsp;/],
  ])("with %s is refused", (_, inside, why) => {
    expect(() => readSnapshots(`<Answer><snapshotSet><item>${inside}</item></snapshotSet></Answer>`)).toThrow(
      why,
    );
  });
});
