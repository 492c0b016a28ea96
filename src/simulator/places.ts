import { buildPlace, buildWorld } from "./build-world.ts";
import { own } from "./own.ts";
import type { Scenario, ScenarioPlace } from "./scenario.ts";
import { ScenarioError } from "./scenario-check.ts";
import { accountIn } from "./sts/role.ts";
import { upgrade } from "./upgrade.ts";
import type { Credential, World } from "./world.ts";

/** The accounts and Regions that are simulated: a world of its own for each place, `111122223333/eu-central-1`. */
export interface Places {
  /** The scenario's own, which the metadata service belongs to. */
  readonly home: World;
  /** All of them, the home first. */
  readonly all: readonly World[];
  at(account: string, region: string): World | undefined;
  /** The place with this id. */
  named(id: string): World | undefined;
  /** Where calls of an account to a service without Regions belong. */
  anyOf(account: string): World;
  /** Whether any account has a place there. */
  hasRegion(region: string): boolean;
  /** The Regions that an account may use; undefined where the scenario has one place only and leaves them open. */
  regionsOf(account: string): readonly string[] | undefined;
  /** Whose an access key is. */
  credential(accessKey: string): Credential | undefined;
}

/** What names a place: its account and its Region. */
export function placeId({ settings: { account, region } }: World): string {
  return `${account}/${region}`;
}

/** What is kept of the places. */
export interface SavedPlaces {
  world: World;
  /** Those beside the home, by id. */
  places?: Record<string, World>;
}

/** The places of a scenario, as they begin or as they were left. @throws ScenarioError */
export function openPlaces(scenario: Scenario, now: number, saved?: SavedPlaces): Places {
  const home = buildWorld(scenario, now);
  const further = (scenario.places ?? []).map((place) => buildPlace(scenario, place, now));
  const twice = further
    .map(placeId)
    .find((id, index, ids) => id === placeId(home) || ids.indexOf(id) < index);
  if (twice !== undefined) throw new ScenarioError([`places: ${twice} appears twice`]);
  const named = scenario.places !== undefined || saved?.places !== undefined;
  if (saved === undefined) return placesOf([home, ...further], named);
  const left = saved.places ?? {};
  const known = new Map(further.map((world) => [placeId(world), world]));
  // A place that the scenario no longer names is still there, as whatever else was saved.
  const bare = ({ settings: { account, region } }: World): ScenarioPlace => ({ account, region });
  const worlds = [...new Set([...known.keys(), ...Object.keys(left)])].flatMap((id) => {
    const old = own(left, id);
    const fresh = known.get(id) ?? (old === undefined ? undefined : buildPlace(scenario, bare(old), now));
    if (fresh === undefined) return [];
    return [old === undefined ? fresh : upgrade(old, fresh, now)];
  });
  return placesOf([upgrade(saved.world, home, now), ...worlds], named);
}

function placesOf(all: readonly World[], named: boolean): Places {
  const [home] = all;
  if (home === undefined) throw new Error("there is always the scenario's own place");
  const index = new Map(all.map((world) => [placeId(world), world]));
  return {
    home,
    all,
    at: (account, region) => index.get(`${account}/${region}`),
    named: (id) => index.get(id),
    anyOf: (account) => all.find((world) => world.settings.account === account) ?? home,
    hasRegion: (region) => all.some((world) => world.settings.region === region),
    regionsOf: (account) =>
      named
        ? all.filter((world) => world.settings.account === account).map(({ settings }) => settings.region)
        : undefined,
    credential(accessKey) {
      for (const world of all) {
        const found = own(world.credentials, accessKey);
        if (found !== undefined) return found;
      }
      return undefined;
    },
  };
}

/** What is to be kept of the places: those beside the home only where there are any. */
export function savedPlaces({ home, all, regionsOf }: Places): SavedPlaces {
  if (regionsOf(home.settings.account) === undefined) return { world: home };
  return {
    world: home,
    places: Object.fromEntries(all.slice(1).map((world) => [placeId(world), world])),
  };
}

/** The place that an ARN such as that of a topic belongs to. */
export function placeOfArn(places: Places, arn: string): World | undefined {
  return places.at(accountIn(arn), arn.split(":")[3] ?? "");
}
