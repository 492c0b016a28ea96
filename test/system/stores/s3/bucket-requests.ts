import { invalid, malformed, Refusal } from "./failure.ts";
import type { Question } from "./question.ts";
import { type BucketSettings, mayRemove, type Version } from "./versions.ts";
import { type Content, textsOf } from "./xml.ts";

type Handler = (question: Question) => void | Promise<void>;

/** Requests of a bucket: by method and by the subresource that the query names. */
export const bucketRequests: Readonly<Record<string, Handler>> = {
  "HEAD ": (question) => {
    question.need("ListBucket");
    void question.bucket;
    question.empty(200, { "x-amz-bucket-region": "eu-central-1" });
  },
  "GET ": (question) => listObjects(question),
  "GET location": (question) => {
    question.need("GetBucketLocation");
    void question.bucket;
    question.document("LocationConstraint", "eu-central-1");
  },
  "GET versioning": (question) => {
    question.need("GetBucketVersioning");
    const { versioning } = question.bucket.settings;
    question.document("VersioningConfiguration", versioning === "" ? "" : { Status: versioning });
  },
  "PUT versioning": async (question) => {
    question.need("PutBucketVersioning");
    const { bucket } = question;
    const [status] = textsOf(await question.text(), "Status");
    if (status !== "Enabled" && status !== "Suspended") throw malformed("Status is Enabled or Suspended");
    if (bucket.settings.lock && status === "Suspended")
      throw new Refusal(409, "InvalidBucketState", "Object Lock is on: versioning cannot be suspended");
    bucket.settings = { ...bucket.settings, versioning: status };
    question.empty(200);
  },
  "GET object-lock": (question) => {
    question.need("GetBucketObjectLockConfiguration");
    const { lock, standard } = question.bucket.settings;
    if (!lock)
      throw new Refusal(404, "ObjectLockConfigurationNotFoundError", "Object Lock is not configured here");
    const rule = standard && { Rule: { DefaultRetention: { Mode: standard.mode, Days: standard.days } } };
    question.document("ObjectLockConfiguration", { ObjectLockEnabled: "Enabled", ...rule });
  },
  "PUT object-lock": async (question) => {
    question.need("PutBucketObjectLockConfiguration");
    const { bucket } = question;
    const text = await question.text();
    const [mode] = textsOf(text, "Mode");
    const [days] = textsOf(text, "Days");
    if (bucket.settings.versioning !== "Enabled")
      throw new Refusal(409, "InvalidBucketState", "Versioning must be enabled first");
    const rest: BucketSettings = { ...bucket.settings, lock: true };
    const standard = mode !== undefined && { standard: { mode: modeOf(mode), days: Number(days) } };
    bucket.settings = { ...rest, ...(standard || {}) };
    question.empty(200);
  },
  "DELETE ": (question) => {
    question.need("DeleteBucket");
    if (!question.bucket.empty) throw new Refusal(409, "BucketNotEmpty", "The bucket is not empty");
    question.bucket.destroy();
    question.empty(204);
  },
  "GET versions": (question) => listVersions(question),
  "POST delete": (question) => deleteObjects(question),
};

export function modeOf(text: string): "COMPLIANCE" | "GOVERNANCE" {
  if (text !== "COMPLIANCE" && text !== "GOVERNANCE") throw malformed("Mode is COMPLIANCE or GOVERNANCE");
  return text;
}

export const isoOf = (time: number) => new Date(time).toISOString();

/** What a page of a list holds: entries, or prefixes that stand for many. */
function pageOf(question: Question, keys: readonly string[], after: string) {
  const delimiter = question.query.get("delimiter") ?? "";
  const prefix = question.query.get("prefix") ?? "";
  const asked = Number(question.query.get("max-keys") ?? 1000);
  if (!Number.isInteger(asked) || asked < 0) throw invalid("max-keys is a whole number");
  const most = Math.min(asked, 1000);
  const entries: string[] = [];
  const prefixes: string[] = [];
  let last = "";
  for (const key of keys) {
    const at = delimiter === "" ? -1 : key.indexOf(delimiter, prefix.length);
    const shown = at < 0 ? key : key.slice(0, at + delimiter.length);
    if (Buffer.compare(Buffer.from(shown), Buffer.from(after)) <= 0 || (at >= 0 && shown === prefixes.at(-1)))
      continue;
    if (entries.length + prefixes.length >= most) return { entries, prefixes, last, more: most > 0 };
    (at < 0 ? entries : prefixes).push(shown);
    last = shown;
  }
  return { entries, prefixes, last, more: false };
}

function spelled(question: Question): (key: string) => string {
  if (question.query.get("encoding-type") !== "url") return (key) => key;
  return (key) => key.split("/").map(encodeURIComponent).join("/");
}

function entryOf(version: Version): { readonly [name: string]: Content } {
  return {
    LastModified: isoOf(version.modified),
    ETag: `"${version.etag}"`,
    Size: version.size,
    StorageClass: "STANDARD",
  };
}

function listObjects(question: Question): void {
  question.need("ListBucket");
  const { query, bucket } = question;
  const second = query.get("list-type") === "2";
  const token = query.get("continuation-token");
  const start = second ? query.get("start-after") : query.get("marker");
  const after = token === null ? (start ?? "") : Buffer.from(token, "base64url").toString("utf8");
  const there = bucket.keys(query.get("prefix") ?? "").filter((key) => bucket.newest(key)?.marker === false);
  const { entries, prefixes, last, more } = pageOf(question, there, after);
  const spell = spelled(question);
  question.document("ListBucketResult", {
    Name: bucket.name,
    Prefix: spell(query.get("prefix") ?? ""),
    Delimiter: query.get("delimiter") ?? undefined,
    MaxKeys: query.get("max-keys") ?? 1000,
    EncodingType: query.get("encoding-type") ?? undefined,
    IsTruncated: more,
    KeyCount: second ? entries.length + prefixes.length : undefined,
    NextContinuationToken: second && more ? Buffer.from(last).toString("base64url") : undefined,
    NextMarker: !second && more ? spell(last) : undefined,
    Contents: entries.map((key) => ({ Key: spell(key), ...entryOf(bucket.newest(key)!) })),
    CommonPrefixes: prefixes.map((one) => ({ Prefix: spell(one) })),
  });
}

function listVersions(question: Question): void {
  question.need("ListBucketVersions");
  const { query, bucket } = question;
  const keys = bucket.keys(query.get("prefix") ?? "");
  // Pages end between keys, never within one.
  const { entries, prefixes, last, more } = pageOf(question, keys, query.get("key-marker") ?? "");
  const spell = spelled(question);
  const all = entries.flatMap((key) => [...bucket.versionsOf(key)].reverse());
  const shown = (one: Version) => ({
    Key: spell(one.key),
    VersionId: one.id,
    IsLatest: bucket.newest(one.key) === one,
  });
  question.document("ListVersionsResult", {
    Name: bucket.name,
    Prefix: spell(query.get("prefix") ?? ""),
    MaxKeys: query.get("max-keys") ?? 1000,
    EncodingType: query.get("encoding-type") ?? undefined,
    IsTruncated: more,
    NextKeyMarker: more ? spell(last) : undefined,
    NextVersionIdMarker: more ? bucket.versionsOf(last)[0]?.id : undefined,
    Version: all.filter(({ marker }) => !marker).map((one) => ({ ...shown(one), ...entryOf(one) })),
    DeleteMarker: all
      .filter(({ marker }) => marker)
      .map((one) => ({ ...shown(one), LastModified: isoOf(one.modified) })),
    CommonPrefixes: prefixes.map((one) => ({ Prefix: spell(one) })),
  });
}

/** What deleting came to. */
export interface Deletion {
  readonly versionId?: string;
  readonly marker?: string;
}

export function deleteOne(question: Question, key: string, versionId: string | undefined): Deletion {
  const { bucket } = question;
  if (versionId !== undefined) {
    question.need("DeleteObjectVersion", key);
    const version = bucket.version(key, versionId);
    if (version === undefined) return { versionId };
    mayRemove(version, question.now, question.bypass);
    bucket.remove(version);
    return version.marker ? { versionId, marker: versionId } : { versionId };
  }
  question.need("DeleteObject", key);
  if (bucket.settings.versioning === "") {
    const version = bucket.newest(key);
    if (version !== undefined) bucket.remove(version);
    return {};
  }
  const { id } = bucket.add({ key, size: 0, etag: "", modified: question.now, headers: {} }, undefined);
  return { marker: id };
}

async function deleteObjects(question: Question): Promise<void> {
  const text = await question.text();
  const deleted: Content[] = [];
  const errors: Content[] = [];
  for (const one of textsOf(text.replaceAll("&", "&amp;"), "Object")) {
    const [key = ""] = textsOf(one, "Key");
    const [versionId] = textsOf(one, "VersionId");
    const named = { Key: key, ...(versionId === undefined ? {} : { VersionId: versionId }) };
    try {
      const { marker } = deleteOne(question, key, versionId);
      const about = marker === undefined ? {} : { DeleteMarker: true, DeleteMarkerVersionId: marker };
      deleted.push({ ...named, ...about });
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      errors.push({ ...named, Code: error.code, Message: error.message });
    }
  }
  const quiet = textsOf(text, "Quiet")[0] === "true";
  question.document("DeleteResult", { Deleted: quiet ? [] : deleted, Error: errors });
}
