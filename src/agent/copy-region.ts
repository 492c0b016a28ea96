import { type Connection, connectBeside } from "../aws/connection.ts";
import type { CopyRegion } from "../core/copy-ports.ts";
import { ebsCopies } from "../engines/ebs-copies.ts";
import { routeOf } from "./route.ts";
import type { HostProcess } from "./this-host.ts";

/** Another Region, with the credentials that are already there. */
export function copyRegionOf(
  region: string,
  beside: Connection,
  { version, self }: { readonly version: string; readonly self: HostProcess },
): CopyRegion {
  const options = {
    region,
    requestTimeout: beside.requestTimeout,
    route: routeOf(self.env),
    userAgent: [["ec2-backup-agent", version] as const, ["copy", region] as const],
  };
  const connection = connectBeside(options, beside);
  return ebsCopies(connection, async () => {
    const { keysOf } = await import("../aws/key-state.ts");
    return keysOf(options, beside.ec2.config.credentials);
  });
}
