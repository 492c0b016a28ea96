import { mergeSettings } from "./build-world.ts";
import { find, refuseFaults } from "./changing.ts";
import type { ScenarioSettings } from "./scenario.ts";
import { settingsCheck } from "./scenario-check.ts";
import type { World } from "./world.ts";

/** Merges settings. @throws ControlError */
export function changeSettings(world: World, change: unknown): void {
  refuseFaults(settingsCheck, change, "settings");
  const settings = mergeSettings(world.settings, change as ScenarioSettings);
  find(world.instances, settings.self, "instance");
  world.settings = settings;
}
