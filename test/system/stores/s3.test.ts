import { randomBytes } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { Readable } from "node:stream";
import { describe, expect, onTestFinished, test } from "vitest";
import { folder } from "../../host/places.ts";
import { aws, missing } from "../../simulator/aws-cli.ts";
import type { Simulation } from "../../simulator/simulate.ts";
import { type Access, allows } from "./s3/access.ts";
import { AwsChunked } from "./s3/body.ts";
import { S3Server } from "./s3-server.ts";

const second = "AKIAIOSFODNN7CLIENT0";
// biome-ignore lint/suspicious/noExplicitAny: answers of the AWS CLI are of every shape
type Answer = any;

async function stage(access: Access = {}) {
  const server = await S3Server.start(access);
  onTestFinished(() => server[Symbol.asyncDispose]());
  const by = (accessKey: string) => (words: string) =>
    aws({ simulator: { url: server.endpoint } } as unknown as Simulation, `s3api ${words}`, {
      ...S3Server.credentials(accessKey),
      AWS_CA_BUNDLE: server.certificate.ca,
    }) as Promise<Answer>;
  const directory = await folder();
  const body = path.join(directory, "body");
  await writeFile(body, randomBytes(100_000));
  const put = `--bucket store --key`;
  return { server, owner: by(S3Server.owner), client: by(second), directory, body, put };
}

describe.skipIf(missing !== undefined && process.env["CI"] !== "true")("the S3 of the tests", () => {
  test("keeps objects, lists them in pages and by folder, and gives parts of them", async () => {
    const { owner, directory, body } = await stage();
    await owner("create-bucket --bucket store");
    for (const key of ["a/1", "a/2", "b", "ü-x"])
      await owner(`put-object --bucket store --key ${key} --body ${body}`);
    const out = path.join(directory, "out");
    await owner(`get-object --bucket store --key a/1 ${out}`);
    expect(await readFile(out)).toEqual(await readFile(body));
    await owner(`get-object --bucket store --key b --range bytes=10-19 ${out}`);
    expect(await readFile(out)).toEqual((await readFile(body)).subarray(10, 20));
    const folders = await owner("list-objects-v2 --bucket store --delimiter /");
    expect(folders.CommonPrefixes).toEqual([{ Prefix: "a/" }]);
    expect(folders.Contents.map(({ Key }: Answer) => Key)).toEqual(["b", "ü-x"]);
    const paged = await owner("list-objects-v2 --bucket store --page-size 1");
    expect(paged.Contents.map(({ Key }: Answer) => Key)).toEqual(["a/1", "a/2", "b", "ü-x"]);
    await owner("delete-object --bucket store --key b");
    await expect(owner("head-object --bucket store --key b")).rejects.toThrow("404");
    await expect(owner(`get-object --bucket none --key b ${out}`)).rejects.toThrow("NoSuchBucket");
    await owner(
      'delete-objects --bucket store --delete {"Objects":[{"Key":"a/1"},{"Key":"a/2"},{"Key":"ü-x"}]}',
    );
    await owner("delete-bucket --bucket store");
  });

  test("keeps versions behind delete markers, and has them still after a crash", async () => {
    const { server, owner, body, directory } = await stage();
    await owner("create-bucket --bucket store");
    await owner("put-bucket-versioning --bucket store --versioning-configuration Status=Enabled");
    const first = await owner(`put-object --bucket store --key k --body ${body}`);
    const other = path.join(directory, "other");
    await writeFile(other, "overwritten");
    await owner(`put-object --bucket store --key k --body ${other}`);
    await owner("delete-object --bucket store --key k");
    await expect(owner("head-object --bucket store --key k")).rejects.toThrow("404");
    await server.crash();
    await server.start();
    const { Versions, DeleteMarkers } = await owner("list-object-versions --bucket store");
    expect([Versions.length, DeleteMarkers.length, DeleteMarkers[0].IsLatest]).toEqual([2, 1, true]);
    const out = path.join(directory, "out");
    await owner(`get-object --bucket store --key k --version-id ${first.VersionId} ${out}`);
    expect(await readFile(out)).toEqual(await readFile(body));
    await owner(`delete-object --bucket store --key k --version-id ${DeleteMarkers[0].VersionId}`);
    await owner(`get-object --bucket store --key k ${out}`);
    expect(await readFile(out, "utf8")).toBe("overwritten");
  });

  test("takes uploads in parts", async () => {
    const { owner, body, directory } = await stage();
    await owner("create-bucket --bucket store");
    const { UploadId } = await owner("create-multipart-upload --bucket store --key big");
    const parts: Answer[] = [];
    for (const number of [1, 2]) {
      const words = `--bucket store --key big --part-number ${number} --upload-id ${UploadId} --body ${body}`;
      parts.push({ PartNumber: number, ETag: (await owner(`upload-part ${words}`)).ETag });
    }
    const list = JSON.stringify({ Parts: parts }).replaceAll(" ", "");
    const words = `--bucket store --key big --upload-id ${UploadId} --multipart-upload ${list}`;
    expect((await owner(`complete-multipart-upload ${words}`)).ETag).toMatch(/^"[0-9a-f]{32}-2"$/);
    const out = path.join(directory, "out");
    await owner(`get-object --bucket store --key big ${out}`);
    const half = await readFile(body);
    expect(await readFile(out)).toEqual(Buffer.concat([half, half]));
  });

  test("removes nothing that Object Lock keeps, in either of its modes, until its own clock says so", async () => {
    const { server, owner, body } = await stage();
    await owner("create-bucket --bucket store --object-lock-enabled-for-bucket");
    const day = `{"ObjectLockEnabled":"Enabled","Rule":{"DefaultRetention":{"Mode":"COMPLIANCE","Days":1}}}`;
    await owner(`put-object-lock-configuration --bucket store --object-lock-configuration ${day}`);
    const kept = await owner(`put-object --bucket store --key kept --body ${body}`);
    const remove = (key: string, id: string, more = "") =>
      owner(`delete-object --bucket store --key ${key} --version-id ${id} ${more}`);
    const bypass = "--bypass-governance-retention";
    await expect(remove("kept", kept.VersionId)).rejects.toThrow("AccessDenied");
    await expect(remove("kept", kept.VersionId, bypass)).rejects.toThrow("AccessDenied");
    const until = new Date(Date.now() + 3 * 3_600_000).toISOString();
    const governed = await owner(
      `put-object --bucket store --key gov --body ${body} --object-lock-mode GOVERNANCE --object-lock-retain-until-date ${until}`,
    );
    await expect(remove("gov", governed.VersionId)).rejects.toThrow("AccessDenied");
    const sooner = `{"Mode":"GOVERNANCE","RetainUntilDate":"${new Date(Date.now() + 60_000).toISOString()}"}`;
    const shorten = (key: string) => `put-object-retention --bucket store --key ${key} --retention ${sooner}`;
    await expect(owner(shorten("kept"))).rejects.toThrow("AccessDenied");
    await expect(owner(shorten("gov"))).rejects.toThrow("AccessDenied");
    // A marker hides it and removes nothing.
    await owner("delete-object --bucket store --key kept");
    await remove("gov", governed.VersionId, bypass);
    await server.advance(25 * 3_600_000);
    await remove("kept", kept.VersionId);
    await expect(
      owner("put-bucket-versioning --bucket store --versioning-configuration Status=Suspended"),
    ).rejects.toThrow("InvalidBucketState");
  });

  test("lets an access key do what its policy allows, and tells who asked what", async () => {
    const Resource = ["arn:aws:s3:::store", "arn:aws:s3:::store/*"];
    const { server, owner, client, body } = await stage({
      [second]: {
        policy: {
          Statement: [
            { Effect: "Allow", Action: ["s3:Get*", "s3:List*", "s3:PutObject", "s3:DeleteObject"], Resource },
            { Effect: "Deny", Action: "s3:DeleteObject", NotResource: "arn:aws:s3:::store/locks/*" },
          ],
        },
      },
    });
    await owner("create-bucket --bucket store");
    await client(`put-object --bucket store --key data/1 --body ${body}`);
    await client(`put-object --bucket store --key locks/1 --body ${body}`);
    await expect(client("delete-object --bucket store --key data/1")).rejects.toThrow("AccessDenied");
    await client("delete-object --bucket store --key locks/1");
    const several = await client(
      'delete-objects --bucket store --delete {"Objects":[{"Key":"data/1"},{"Key":"locks/1"}]}',
    );
    expect(several.Errors).toMatchObject([{ Key: "data/1", Code: "AccessDenied" }]);
    await expect(client("delete-bucket --bucket store")).rejects.toThrow("AccessDenied");
    await server.allow({});
    await expect(client("list-objects-v2 --bucket store")).rejects.toThrow("InvalidAccessKeyId");
    const asked = await server.requests();
    expect(asked.filter(({ accessKey, status }) => accessKey === second && status === 403)).toHaveLength(3);
  });
});

test("the framing of aws-chunked bodies is taken off wherever they are cut", async () => {
  const data = randomBytes(70_000);
  const chunk = (part: Buffer) => [
    `${part.length.toString(16)};chunk-signature=${"0".repeat(64)}\r\n`,
    part,
    "\r\n",
  ];
  const framed = Buffer.concat(
    [
      ...chunk(data.subarray(0, 65_536)),
      ...chunk(data.subarray(65_536)),
      "0;chunk-signature=0\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n",
    ].map((one) => Buffer.from(one)),
  );
  for (const size of [1, 7, 1000, framed.length]) {
    const pieces = Array.from({ length: Math.ceil(framed.length / size) }, (_, n) =>
      framed.subarray(n * size, (n + 1) * size),
    );
    const chunked = new AwsChunked();
    const got = await Readable.from(pieces).pipe(chunked).toArray();
    expect(Buffer.concat(got).equals(data)).toBe(true);
    expect(chunked.trailers).toEqual({ "x-amz-checksum-crc32": "AAAAAA==" });
  }
  const cut = Readable.from([framed.subarray(0, 60_000)]).pipe(new AwsChunked());
  await expect(cut.toArray()).rejects.toThrow("ends within");
});

test("a policy with a condition is refused and never passed over", () => {
  const conditional = { Effect: "Allow", Action: "s3:*", Resource: "*", Condition: {} } as const;
  expect(() => allows({ Statement: conditional }, "s3:GetObject", "arn:aws:s3:::a/b")).toThrow("Condition");
});
