import { createReadStream } from "node:fs";
import { copyFile } from "node:fs/promises";
import { pipeline } from "node:stream/promises";
import { receive } from "./body.ts";
import { deleteOne, isoOf, modeOf } from "./bucket-requests.ts";
import { invalid, Refusal } from "./failure.ts";
import type { Question } from "./question.ts";
import {
  type BucketSettings,
  mayRetain,
  noKey,
  noVersion,
  type Retention,
  type Version,
} from "./versions.ts";
import { textsOf } from "./xml.ts";

type Handler = (question: Question) => void | Promise<void>;

/** Requests of an object: by method and by the subresource that the query names. */
export const objectRequests: Readonly<Record<string, Handler>> = {
  "HEAD ": (question) => read(question, false),
  "GET ": (question) => read(question, true),
  "PUT ": (question) => (question.header("x-amz-copy-source") === undefined ? put(question) : copy(question)),
  "DELETE ": (question) => {
    const { versionId, marker } = deleteOne(
      question,
      question.key,
      question.query.get("versionId") ?? undefined,
    );
    const id = marker ?? versionId;
    question.empty(204, {
      ...(marker === undefined ? {} : { "x-amz-delete-marker": "true" }),
      ...(id === undefined ? {} : { "x-amz-version-id": id }),
    });
  },
  "GET retention": (question) => {
    question.need("GetObjectRetention");
    const { retention } = found(question);
    if (retention === undefined)
      throw new Refusal(404, "NoSuchObjectLockConfiguration", "The object has no retention");
    question.document("Retention", { Mode: retention.mode, RetainUntilDate: isoOf(retention.until) });
  },
  "PUT retention": async (question) => {
    question.need("PutObjectRetention");
    const version = found(question);
    const text = await question.text();
    const [mode] = textsOf(text, "Mode");
    const [until] = textsOf(text, "RetainUntilDate");
    const wanted = mode === undefined ? undefined : { mode: modeOf(mode), until: Date.parse(until ?? "") };
    if (wanted !== undefined) lockable(question.bucket.settings, wanted, question.now);
    mayRetain(version, wanted, question.now, question.bypass);
    question.bucket.change(version, { retention: wanted } as Pick<Version, "retention">);
    question.empty(200);
  },
  "GET legal-hold": (question) => {
    question.need("GetObjectLegalHold");
    question.document("LegalHold", { Status: found(question).hold ? "ON" : "OFF" });
  },
  "PUT legal-hold": async (question) => {
    question.need("PutObjectLegalHold");
    const version = found(question);
    question.bucket.change(version, { hold: textsOf(await question.text(), "Status")[0] === "ON" });
    question.empty(200);
  },
};

/** The version that is asked for; a delete marker is none. */
export function found(question: Question): Version {
  const id = question.query.get("versionId");
  const { bucket, key } = question;
  const version = id === null ? bucket.newest(key) : bucket.version(key, id);
  if (version === undefined && id !== null) throw noVersion();
  if (version === undefined || version.marker) {
    // Who may not list is not told either that there is no such key.
    if (!question.may("ListBucket", "")) question.need("ListBucket", "");
    throw noKey();
  }
  return version;
}

async function read(question: Question, withBody: boolean): Promise<void> {
  question.need(question.query.has("versionId") ? "GetObjectVersion" : "GetObject");
  const { bucket, response } = question;
  const version = found(question);
  const range = rangeOf(question.header("range"), version.size);
  const first = range?.first ?? 0;
  const last = range?.last ?? version.size - 1;
  const { retention } = version;
  response.writeHead(range === undefined ? 200 : 206, {
    "content-type": "binary/octet-stream",
    ...version.headers,
    "accept-ranges": "bytes",
    "content-length": last - first + 1,
    ...(range === undefined ? {} : { "content-range": `bytes ${first}-${last}/${version.size}` }),
    etag: `"${version.etag}"`,
    "last-modified": new Date(version.modified).toUTCString(),
    ...(version.id === "null" ? {} : { "x-amz-version-id": version.id }),
    ...(retention === undefined
      ? {}
      : {
          "x-amz-object-lock-mode": retention.mode,
          "x-amz-object-lock-retain-until-date": isoOf(retention.until),
        }),
  });
  if (!withBody || last < first) {
    response.end();
    return;
  }
  await pipeline(createReadStream(bucket.dataOf(version), { start: first, end: last }), response);
}

function rangeOf(header: string | undefined, size: number): { first: number; last: number } | undefined {
  const [, from = "", to = ""] = /^bytes=(\d*)-(\d*)$/.exec(header ?? "") ?? [];
  if (from === "" && to === "") return undefined;
  const first = from === "" ? Math.max(0, size - Number(to)) : Number(from);
  const last = from === "" || to === "" ? size - 1 : Math.min(Number(to), size - 1);
  if (first >= size || last < first) throw new Refusal(416, "InvalidRange", "The range is not satisfiable");
  return { first, last };
}

/** Headers that are kept with an object. */
export function keptHeaders(question: Question): Record<string, string> {
  return Object.fromEntries(
    Object.entries(question.request.headers)
      .filter(([name]) => name === "content-type" || name.startsWith("x-amz-meta-"))
      .map(([name, value]) => [name, String(value)]),
  );
}

/** What keeps a new version: its own headers, or else the bucket's standard. */
export function retentionOf(question: Question): Retention | undefined {
  const mode = question.header("x-amz-object-lock-mode");
  const until = question.header("x-amz-object-lock-retain-until-date");
  const { settings } = question.bucket;
  if (mode !== undefined || until !== undefined) {
    question.need("PutObjectRetention");
    const wanted = { mode: modeOf(mode ?? ""), until: Date.parse(until ?? "") };
    lockable(settings, wanted, question.now);
    return wanted;
  }
  const { standard } = settings;
  return standard && { mode: standard.mode, until: question.now + standard.days * 86_400_000 };
}

function lockable({ lock }: BucketSettings, { until }: Retention, now: number): void {
  if (!lock) throw new Refusal(400, "InvalidRequest", "Bucket is missing Object Lock Configuration");
  if (!(until > now)) throw invalid("The retain until date must be in the future!");
}

/** Refuses to write over what a condition says must not be there. */
export function onCondition(question: Question): void {
  const newest = question.bucket.newest(question.key);
  const there = newest !== undefined && !newest.marker;
  if (question.header("if-none-match") === "*" && there)
    throw new Refusal(412, "PreconditionFailed", "The object is there already");
}

async function put(question: Question): Promise<void> {
  question.need("PutObject");
  const { bucket, key, now } = question;
  const retention = retentionOf(question);
  const hold = question.header("x-amz-object-lock-legal-hold") === "ON";
  if (hold) question.need("PutObjectLegalHold");
  if (question.header("expect") === "100-continue") question.response.writeContinue();
  const body = bucket.coming();
  const { size, md5 } = await receive(question.request, body);
  onCondition(question);
  const headers = keptHeaders(question);
  const version = bucket.add({ key, size, etag: md5, modified: now, headers, retention, hold }, body);
  question.empty(200, {
    etag: `"${md5}"`,
    ...(version.id === "null" ? {} : { "x-amz-version-id": version.id }),
  });
}

async function copy(question: Question): Promise<void> {
  question.need("PutObject");
  const source = decodeURIComponent(question.header("x-amz-copy-source") ?? "").replace(/^\//, "");
  const [name = "", ...rest] = source.split("/");
  const [from = "", id] = rest.join("/").split("?versionId=");
  if (name !== question.bucketName)
    throw new Refusal(501, "NotImplemented", "copies within one bucket are all there is");
  question.need(id === undefined ? "GetObject" : "GetObjectVersion", from);
  const { bucket, key, now } = question;
  const version = id === undefined ? bucket.newest(from) : bucket.version(from, id);
  if (version === undefined || version.marker) throw noKey();
  const body = bucket.coming();
  await copyFile(bucket.dataOf(version), body);
  const { size, etag, headers } = version;
  bucket.add({ key, size, etag, modified: now, headers, retention: retentionOf(question) }, body);
  question.document("CopyObjectResult", { ETag: `"${etag}"`, LastModified: isoOf(now) });
}
