import { randomBytes } from "node:crypto";
import { createReadStream, createWriteStream } from "node:fs";
import { rm } from "node:fs/promises";
import { pipeline } from "node:stream/promises";
import { type Received, receive } from "./body.ts";
import { Refusal } from "./failure.ts";
import { keptHeaders, onCondition, retentionOf } from "./object-requests.ts";
import type { Question } from "./question.ts";
import { etagOfParts } from "./versions.ts";
import { textsOf } from "./xml.ts";

interface Upload {
  readonly key: string;
  readonly bucket: string;
  readonly headers: Record<string, string>;
  readonly parts: Map<number, Received & { readonly file: string }>;
}

/** Uploads that are under way; those of a server that has ended are gone. */
const uploads = new Map<string, Upload>();

function uploadOf(question: Question): Upload {
  const upload = uploads.get(question.query.get("uploadId") ?? "");
  if (upload === undefined || upload.key !== question.key || upload.bucket !== question.bucketName)
    throw new Refusal(404, "NoSuchUpload", "The specified multipart upload does not exist.");
  return upload;
}

function forgetUpload(question: Question, { parts }: Upload): Promise<unknown> {
  uploads.delete(question.query.get("uploadId") ?? "");
  return Promise.all([...parts.values()].map(({ file }) => rm(file, { force: true })));
}

export const partRequests: Readonly<Record<string, (question: Question) => void | Promise<void>>> = {
  "POST uploads": (question) => {
    question.need("PutObject");
    const { key, bucket } = question;
    const UploadId = randomBytes(16).toString("hex");
    uploads.set(UploadId, { key, bucket: bucket.name, headers: keptHeaders(question), parts: new Map() });
    question.document("InitiateMultipartUploadResult", { Bucket: bucket.name, Key: key, UploadId });
  },
  "PUT uploadId": async (question) => {
    question.need("PutObject");
    const { parts } = uploadOf(question);
    const file = question.bucket.coming();
    if (question.header("expect") === "100-continue") question.response.writeContinue();
    const received = await receive(question.request, file);
    parts.set(Number(question.query.get("partNumber")), { ...received, file });
    question.empty(200, { etag: `"${received.md5}"` });
  },
  "POST uploadId": async (question) => {
    question.need("PutObject");
    const upload = uploadOf(question);
    const { bucket, key, now } = question;
    const asked = textsOf(await question.text(), "PartNumber").map(Number);
    const parts = asked.map((number) => upload.parts.get(number));
    if (parts.length === 0 || parts.some((one) => one === undefined))
      throw new Refusal(400, "InvalidPart", "One or more of the specified parts could not be found.");
    onCondition(question);
    const whole = parts.filter((one) => one !== undefined);
    const body = bucket.coming();
    for (const { file } of whole)
      await pipeline(createReadStream(file), createWriteStream(body, { flags: "a" }));
    const etag = etagOfParts(whole.map(({ md5 }) => md5));
    const size = whole.reduce((sum, one) => sum + one.size, 0);
    const { headers } = upload;
    bucket.add({ key, size, etag, modified: now, headers, retention: retentionOf(question) }, body);
    await forgetUpload(question, upload);
    question.document("CompleteMultipartUploadResult", { Bucket: bucket.name, Key: key, ETag: `"${etag}"` });
  },
  "DELETE uploadId": async (question) => {
    question.need("AbortMultipartUpload");
    await forgetUpload(question, uploadOf(question));
    question.empty(204);
  },
  "GET uploadId": (question) => {
    question.need("ListMultipartUploadParts");
    const { parts } = uploadOf(question);
    question.document("ListPartsResult", {
      Key: question.key,
      IsTruncated: false,
      Part: [...parts].map(([PartNumber, { size, md5 }]) => ({ PartNumber, Size: size, ETag: `"${md5}"` })),
    });
  },
};
