import { readFile } from "node:fs/promises";

/** The firmware of Nitro instances has their id as the asset tag, also where the metadata service is out of reach. */
const assetTag = "/sys/class/dmi/id/board_asset_tag";

/** The instance that this host is; absent where it is none, or cannot be told. */
export async function ownInstance(file = assetTag): Promise<string | undefined> {
  const text = await readFile(file, "utf8").catch(() => "");
  return /^i-[0-9a-f]{8,17}$/.exec(text.trim())?.[0];
}
