import { denied, Refusal } from "./failure.ts";

/** A statement of IAM, without conditions: one that has any is refused, so that none is ever passed over. */
export interface Statement {
  readonly Sid?: string;
  readonly Effect: "Allow" | "Deny";
  readonly Action?: string | readonly string[];
  readonly NotAction?: string | readonly string[];
  readonly Resource?: string | readonly string[];
  readonly NotResource?: string | readonly string[];
}

export interface Policy {
  readonly Version?: string;
  readonly Statement: Statement | readonly Statement[];
}

/** Who may do what: policies by access key. A key that is not named is unknown. */
export type Access = Readonly<Record<string, { readonly policy: Policy }>>;

export const everything: Policy = { Statement: { Effect: "Allow", Action: "s3:*", Resource: "*" } };

const list = <T>(one: T | readonly T[] | undefined): readonly T[] =>
  one === undefined ? [] : Array.isArray(one) ? (one as readonly T[]) : [one as T];

function matches(patterns: string | readonly string[] | undefined, text: string, fold: boolean): boolean {
  return list(patterns).some((pattern) => {
    const source = [...pattern].map((c) =>
      c === "*" ? "[^]*" : c === "?" ? "[^]" : c.replace(/[\\^$.+()[\]{}|/-]/g, "\\$&"),
    );
    return new RegExp(`^${source.join("")}$`, fold ? "i" : "").test(text);
  });
}

const known = new Set(["Sid", "Effect", "Action", "NotAction", "Resource", "NotResource"]);

function applies(one: Statement, action: string, resource: string): boolean {
  const more = Object.keys(one).filter((name) => !known.has(name));
  if (more.length > 0) throw new Refusal(501, "NotImplemented", `statements with ${more.join(", ")}`);
  const ofAction =
    one.NotAction === undefined ? matches(one.Action, action, true) : !matches(one.NotAction, action, true);
  const ofResource =
    one.NotResource === undefined
      ? matches(one.Resource, resource, false)
      : !matches(one.NotResource, resource, false);
  return ofAction && ofResource;
}

/** Whether a policy allows an action: some statement allows it and none denies it. */
export function allows(policy: Policy, action: string, resource: string): boolean {
  const found = list<Statement>(policy.Statement).filter((one) => applies(one, action, resource));
  return found.some(({ Effect }) => Effect === "Allow") && found.every(({ Effect }) => Effect !== "Deny");
}

/** The access key of a request signed with version 4, in its header or in its address. Signatures are not checked. */
export function accessKeyOf(
  headers: Readonly<Record<string, string | string[] | undefined>>,
  query: URLSearchParams,
): string {
  const signed = String(headers["authorization"] ?? "");
  const [, inHeader] = /^AWS4-HMAC-SHA256 .*\bCredential=([^/,\s]+)\//.exec(signed) ?? [];
  const key = inHeader ?? query.get("X-Amz-Credential")?.split("/")[0];
  if (key === undefined) throw denied("the request is not signed");
  return key;
}

export function policyOf(access: Access, key: string): Policy {
  const policy = access[key]?.policy;
  if (policy === undefined)
    throw new Refusal(403, "InvalidAccessKeyId", "The AWS Access Key Id you provided does not exist.");
  return policy;
}
