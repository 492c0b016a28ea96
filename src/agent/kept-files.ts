import type { KeptFiles } from "../config/kept-file.ts";
import { keptConfiguration } from "../host/kept-configuration.ts";
import { cacheDirectory, type HostFacts } from "./places.ts";

/**
 * What this very program, of which `build` tells, has made of a configuration before, where there is a place to keep it. Node's version
 * decides as well, as it knows the time zones.
 */
export function keptFiles(
  host: HostFacts & { readonly node: string },
  build: string | undefined,
): KeptFiles | undefined {
  const caches = cacheDirectory(host);
  if (caches === undefined || build === undefined || host.uid === undefined) return undefined;
  return keptConfiguration(caches, `${build} ${host.node}`, host.uid) as KeptFiles;
}
