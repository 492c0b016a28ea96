import { createHash, createHmac } from "node:crypto";

/** Who asks S3. */
export interface S3Login {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
  readonly region: string;
}

const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");
const hmac = (key: string | Buffer, text: string): Buffer => createHmac("sha256", key).update(text).digest();

/** The headers of a GET without a body, signed by AWS's signature of version 4. */
export function signedGet(url: URL, login: S3Login, now: Date): Record<string, string> {
  const stamp = now.toISOString().replace(/[-:]|\.\d+/g, "");
  const day = stamp.slice(0, 8);
  const empty = sha256("");
  const headers: Record<string, string> = {
    host: url.host,
    "x-amz-content-sha256": empty,
    "x-amz-date": stamp,
    ...(login.sessionToken === undefined ? {} : { "x-amz-security-token": login.sessionToken }),
  };
  const names = Object.keys(headers).sort();
  const query = [...url.searchParams]
    .map(([key, value]) => `${encoded(key)}=${encoded(value)}`)
    .sort()
    .join("&");
  const canonical = [
    "GET",
    url.pathname,
    query,
    ...names.map((name) => `${name}:${headers[name]}`),
    "",
    names.join(";"),
    empty,
  ].join("\n");
  const scope = `${day}/${login.region}/s3/aws4_request`;
  const text = ["AWS4-HMAC-SHA256", stamp, scope, sha256(canonical)].join("\n");
  const key = [day, login.region, "s3", "aws4_request"].reduce<string | Buffer>(
    (last, part) => hmac(last, part),
    `AWS4${login.secretAccessKey}`,
  );
  const signature = hmac(key, text).toString("hex");
  const authorization = `AWS4-HMAC-SHA256 Credential=${login.accessKeyId}/${scope}, SignedHeaders=${names.join(";")}, Signature=${signature}`;
  return { ...headers, authorization };
}

function encoded(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (one) => `%${one.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}
