/** The role's credentials from the simulated metadata service, without changing our own environment. */
export async function instanceCredentials(
  env: Readonly<Record<string, string>>,
): Promise<{ accessKeyId: string; secretAccessKey: string; sessionToken?: string }> {
  const { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey } = env;
  if (accessKeyId !== undefined && secretAccessKey !== undefined) return { accessKeyId, secretAccessKey };
  const base = new URL("/latest/", env.AWS_EC2_METADATA_SERVICE_ENDPOINT);
  const headers = { "X-aws-ec2-metadata-token-ttl-seconds": "60" };
  const token = await (await fetch(new URL("api/token", base), { method: "PUT", headers })).text();
  const get = async (path: string) =>
    (await fetch(new URL(path, base), { headers: { "X-aws-ec2-metadata-token": token } })).text();
  const roles = "meta-data/iam/security-credentials/";
  const role = (await get(roles)).trim();
  const issued = JSON.parse(await get(`${roles}${role}`));
  return {
    accessKeyId: issued.AccessKeyId,
    secretAccessKey: issued.SecretAccessKey,
    sessionToken: issued.Token,
  };
}
