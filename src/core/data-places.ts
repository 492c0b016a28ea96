import type { Failure } from "./errors.ts";
import type { Occupied } from "./freeze-verdict.ts";
import type { HookConfig } from "./hook-config.ts";
import type { MountMap } from "./mount-map.ts";

/** The directories of this host that a database says its data lie in; none for one on another host. */
export function dataPlaces(config: HookConfig, facts: Readonly<Record<string, string>>): string[] {
  const host = "host" in config ? config.host : undefined;
  if (host !== undefined && !/^(?:\/.*|localhost|127\.\d+\.\d+\.\d+|::1)$/.test(host)) return [];
  const { "data-directory": directory, tablespaces } = facts;
  return [...(directory === undefined ? [] : [directory]), ...(tablespaces?.split(", ") ?? [])];
}

/**
 * What is wrong with a database whose data do not lie on the captured volumes: it was held for nothing.
 * `lying` tells the filesystem of each place. Where it cannot be told which volume that is, nothing is said.
 */
export function misplaced(
  hook: string,
  lying: readonly Occupied[],
  map: MountMap,
  set: ReadonlySet<string>,
): Failure[] {
  return lying.flatMap(({ superblock, what }): Failure[] => {
    const mount = map.mounts.find((one) => one.superblock === superblock);
    const outside = mount?.volumes.filter((id) => !set.has(id)) ?? [];
    if (mount !== undefined && outside.length === 0) return [];
    return [
      {
        kind: "configuration",
        doing: `capture what hook ${hook} holds still`,
        found:
          mount === undefined
            ? `its data in ${what} rest on no volume`
            : `its data in ${what} rest on ${outside.join(", ")}, which is not captured`,
        remedy: "include the volume in the job, or take the hook from it",
      },
    ];
  });
}
