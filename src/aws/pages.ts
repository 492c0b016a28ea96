import { BackupError } from "../core/errors.ts";

/**
 * An answer that AWS would not give; acting on half of it could remove what the other half keeps.
 */
export function unreadable(doing: string, found: string): BackupError {
  return new BackupError({
    kind: "unreachable",
    doing,
    found,
    remedy: "the answer is incomplete: check what stands between this host and AWS, then run again",
    code: "UnreadableAnswer",
  });
}

/**
 * Page after page, until none is named any more; an empty token is none. A page may hold fewer items than
 * were asked for, or none at all. A token that comes twice would never end.
 */
export async function* pages<Page extends { readonly NextToken?: string | undefined }>(
  doing: string,
  ask: (next: { NextToken?: string }) => Promise<Page>,
): AsyncGenerator<Page> {
  const seen = new Set<string>();
  let token: string | undefined;
  do {
    const page = await ask(token === undefined ? {} : { NextToken: token });
    yield page;
    token = page.NextToken === "" ? undefined : page.NextToken;
    if (token !== undefined && seen.has(token)) throw unreadable(doing, "the same page was named twice");
    if (token !== undefined) seen.add(token);
  } while (token !== undefined);
}
