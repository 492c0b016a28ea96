import type { StoreClock } from "../core/store-answers.ts";
import { type DatedClient, dateIn } from "../host/http-clock.ts";
import { type S3Login, signedGet } from "../host/sign-s3.ts";

/** Where a repository lies in S3. */
export interface S3Place {
  /** Of the server, with its scheme. */
  readonly origin: string;
  readonly bucket: string;
  /** Without slashes at its ends; empty where the repository is all of the bucket. */
  readonly prefix: string;
}

/** Reads `s3:https://host/bucket/prefix` and `s3:host/bucket/prefix`. */
export function s3Place(url: string): S3Place | undefined {
  const [, scheme = "https://", host, bucket, prefix = ""] =
    /^s3:(https?:\/\/)?([^/]+)\/([^/]+)(?:\/(.*))?$/.exec(url) ?? [];
  if (host === undefined || bucket === undefined) return undefined;
  return { origin: `${scheme}${host}`, bucket, prefix: prefix.replace(/^\/+|\/+$/g, "") };
}

/** The region that the name of a host of AWS tells. */
export function regionOf({ origin }: S3Place): string | undefined {
  return /\bs3[.-](?:dualstack\.)?([a-z]{2}(?:-[a-z]+)+-\d)\.amazonaws\.com/.exec(origin)?.[1];
}

/** S3's own clock: the `Date` of its answers, and the instant at which it got each snapshot. */
export async function s3Clock(
  client: DatedClient,
  { origin, bucket, prefix }: S3Place,
  login: S3Login,
  signal: AbortSignal,
): Promise<StoreClock | undefined> {
  const received = new Map<string, Date>();
  let now: Date | undefined;
  let token: string | undefined;
  do {
    const url = new URL(`/${bucket}`, origin);
    url.searchParams.set("list-type", "2");
    url.searchParams.set("prefix", prefix === "" ? "snapshots/" : `${prefix}/snapshots/`);
    if (token !== undefined) url.searchParams.set("continuation-token", token);
    const headers = signedGet(url, login, new Date());
    const { status, text, date } = await client.ask({ method: "GET", url, headers }, signal);
    if (status !== 200) return undefined;
    now = date ?? now;
    for (const [, content = ""] of text.matchAll(/<Contents>(.*?)<\/Contents>/gs)) {
      const name = /<Key>[^<]*?([0-9a-f]{64})<\/Key>/.exec(content)?.[1];
      const when = dateIn(/<LastModified>([^<]+)<\/LastModified>/.exec(content)?.[1]);
      if (name !== undefined && when !== undefined) received.set(name, when);
    }
    token = /<NextContinuationToken>([^<]+)</.exec(text)?.[1]?.replaceAll("&amp;", "&");
  } while (token !== undefined);
  return now === undefined ? undefined : { now, received };
}
