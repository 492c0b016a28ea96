import { ApiError } from "./api-error.ts";
import { digest } from "./ids.ts";

/** What decides a page. */
export interface PageRequest<T> {
  action: string;
  /** Everything of the request that a following page must repeat. */
  fingerprint: unknown;
  maxResults: number | undefined;
  nextToken: string | undefined;
  /** A text that tells things apart and orders them. */
  keyOf(thing: T): string;
  /** Pages may hold fewer things than asked for, or none: "loop until NextToken is null". */
  short: boolean;
  /** At most so many on this page, whatever was asked for. */
  atMost?: number;
  /** The error code for a token that is not of this request; EC2's by default. */
  invalidToken?: string;
}

export interface Page<T> {
  things: T[];
  nextToken: string | undefined;
}

interface Token {
  action: string;
  fingerprint: string;
  after: string;
  page: number;
}

/**
 * One page. The order is that of the keys, which says nothing about age: AWS promises no order either.
 * A token names the last thing seen, so pages stay right when something is deleted in between.
 * @throws ApiError for a token of another request.
 */
export function paginate<T>(things: readonly T[], request: PageRequest<T>): Page<T> {
  const { keyOf } = request;
  const sorted = [...things].sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
  return pageInOrder(sorted, (thing) => thing, request);
}

/**
 * The same of things that are in the order of their keys already: only those of the page are looked at.
 * @param view how a thing is shown; undefined: it is not.
 */
export function pageInOrder<T>(
  sorted: readonly T[],
  view: (thing: T) => T | undefined,
  request: PageRequest<T>,
): Page<T> {
  const { action, maxResults, keyOf } = request;
  const fingerprint = digest(JSON.stringify(request.fingerprint)).slice(0, 16);
  const token = request.nextToken === undefined ? undefined : readToken(request, fingerprint);
  const after = token?.after ?? "";
  const page = (token?.page ?? 0) + 1;

  let size = maxResults ?? Number.POSITIVE_INFINITY;
  if (request.short && maxResults !== undefined) size = shortened(maxResults, `${fingerprint}/${page}`);
  if (request.atMost !== undefined) size = Math.min(size, request.atMost);
  const shown: T[] = [];
  for (let index = firstAfter(sorted, after, keyOf); index < sorted.length; index += 1) {
    const thing = view(sorted[index] as T);
    if (thing === undefined) continue;
    if (shown.length < size) {
      shown.push(thing);
      continue;
    }
    const last = shown.at(-1);
    return {
      things: shown,
      nextToken: writeToken({ action, fingerprint, after: last ? keyOf(last) : after, page }),
    };
  }
  return { things: shown, nextToken: undefined };
}

function firstAfter<T>(sorted: readonly T[], after: string, keyOf: (thing: T) => string): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (keyOf(sorted[middle] as T) > after) high = middle;
    else low = middle + 1;
  }
  return low;
}

function shortened(maxResults: number, salt: string): number {
  return Number.parseInt(digest(salt).slice(0, 8), 16) % (maxResults + 1);
}

function writeToken(token: Token): string {
  return Buffer.from(JSON.stringify(token)).toString("base64url");
}

function readToken<T>({ action, nextToken = "", invalidToken }: PageRequest<T>, fingerprint: string): Token {
  try {
    const token = JSON.parse(Buffer.from(nextToken, "base64url").toString()) as Token;
    if (token.action === action && token.fingerprint === fingerprint && typeof token.after === "string")
      return token;
  } catch {
    // Falls through to the one answer for every token that is not ours.
  }
  throw new ApiError(
    invalidToken ?? "InvalidPaginationToken",
    "The specified pagination token is not valid or is expired.",
  );
}
