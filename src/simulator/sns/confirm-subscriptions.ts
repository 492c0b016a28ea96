import { ControlError } from "../control-error.ts";
import type { World } from "../world.ts";

/** Confirms every subscription of an endpoint, as its owner would. @returns their ARNs. @throws ControlError when there is none. */
export function confirmSubscriptions(world: World, endpoint: string): string[] {
  const found = Object.values(world.subscriptions).filter((each) => each.endpoint === endpoint);
  if (found.length === 0)
    throw new ControlError(`confirm: there is no subscription of ${JSON.stringify(endpoint)}`);
  for (const each of found) each.confirmed = true;
  return found.map(({ arn }) => arn);
}
