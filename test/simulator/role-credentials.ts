import type { Simulation } from "./simulate.ts";

/** The credentials of an instance's role, as any process on the instance gets them. */
export async function roleCredentials({ url }: Pick<Simulation["simulator"], "url">) {
  const ask = async (path: string, headers: Record<string, string>, method = "GET") =>
    (await fetch(`${url}/latest${path}`, { method, headers })).text();
  const token = await ask("/api/token", { "x-aws-ec2-metadata-token-ttl-seconds": "60" }, "PUT");
  const own = { "x-aws-ec2-metadata-token": token };
  const role = await ask("/meta-data/iam/security-credentials/", own);
  const text = await ask(`/meta-data/iam/security-credentials/${role}`, own);
  const { AccessKeyId = "", SecretAccessKey = "", Token = "" } = JSON.parse(text) as Record<string, string>;
  return { accessKeyId: AccessKeyId, secretAccessKey: SecretAccessKey, sessionToken: Token };
}
