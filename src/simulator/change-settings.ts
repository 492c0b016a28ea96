import { mergeSettings } from "./build-settings.ts";
import { find, refuseFaults } from "./changing.ts";
import type { ScenarioSettings } from "./scenario-settings.ts";
import { settingsCheck } from "./settings-check.ts";
import type { World } from "./world.ts";

/**
 * Merges settings.
 * @param worlds the places concerned; the instance of the metadata service is the first one's.
 * @throws ControlError
 */
export function changeSettings(worlds: readonly World[], change: unknown): void {
  refuseFaults(settingsCheck, change, "settings");
  const { self, ...others } = change as ScenarioSettings;
  const [first] = worlds;
  if (first !== undefined && self !== undefined) {
    find(first.instances, self, "instance");
    first.settings.self = self;
  }
  for (const world of worlds) world.settings = mergeSettings(world.settings, others);
}
