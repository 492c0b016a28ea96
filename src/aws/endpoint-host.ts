import type { Connection } from "./connection.ts";

/** The host name that EC2 has for this client: by its region, FIPS and dual-stack; no address of one's own. */
export async function ec2Host({ ec2 }: Connection): Promise<string> {
  const { config } = ec2;
  const [Region, UseFIPS, UseDualStack] = await Promise.all([
    config.region(),
    config.useFipsEndpoint(),
    config.useDualstackEndpoint(),
  ]);
  return config.endpointProvider({ Region, UseFIPS, UseDualStack }, {}).url.hostname;
}
