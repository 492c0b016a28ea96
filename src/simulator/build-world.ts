import { initialSettings, mergeSettings } from "./build-settings.ts";
import { defaultScenario } from "./default-scenario.ts";
import { noteCompleted } from "./ec2/lineage.ts";
import { makeGroup, makeSubnet } from "./ec2/network.ts";
import { emptyWorld } from "./empty-world.ts";
import { generate } from "./generate.ts";
import { digest } from "./ids.ts";
import { addKeys } from "./kms/make-key.ts";
import { makeImage, makeInstance, makeSnapshot, makeVolume, noteRoots } from "./make-things.ts";
import type { Scenario, ScenarioPlace } from "./scenario.ts";
import { ScenarioError } from "./scenario-check.ts";
import type { Settings, World } from "./world.ts";

/**
 * The world at its beginning: the scenario's own place, which the metadata service belongs to.
 * @param now simulated milliseconds since the epoch: what "a month ago" is counted from.
 * @throws ScenarioError when things refer to what does not exist, or exclude each other.
 */
export function buildWorld(given: Scenario, now: number): World {
  const scenario: Scenario = given.instances
    ? { ...given }
    : {
        ...given,
        instances: defaultScenario.instances ?? [],
        volumes: given.volumes ?? defaultScenario.volumes ?? [],
      };
  scenario.snapshots ??= given.instances ? [] : (defaultScenario.snapshots ?? []);
  const world: World = { settings: initialSettings(scenario), ...emptyWorld() };
  const faults = fill(world, scenario, now);
  const { self } = world.settings;
  if (!world.instances[self]) faults.push(`self: no instance ${self || "at all"}`);
  if (faults.length > 0) throw new ScenarioError(faults);
  return world;
}

/** A further place of a scenario at its beginning. @throws ScenarioError */
export function buildPlace(scenario: Scenario, place: ScenarioPlace, now: number): World {
  const { seed, ...shared } = initialSettings(scenario);
  const account = place.account ?? shared.account;
  const region = place.region ?? shared.region;
  const settings = mergeSettings(
    {
      ...shared,
      account,
      region,
      zone: place.zone ?? `${region}a`,
      self: "",
      // Ids are made from it: no two places may have the same.
      seed: Number.parseInt(digest(`${seed}/${account}/${region}`).slice(0, 12), 16),
    },
    place,
  );
  const world: World = { settings, ...emptyWorld() };
  const faults = fill(world, place, now);
  if (faults.length > 0) throw new ScenarioError(faults.map((fault) => `${account}/${region}: ${fault}`));
  return world;
}

/** @returns what is wrong with it. */
function fill(world: World, scenario: ScenarioPlace, now: number): string[] {
  const faults: string[] = [];
  const put = <T extends { id: string }>(kind: string, into: Record<string, T>, thing: T) => {
    if (into[thing.id]) faults.push(`${kind}: ${thing.id} appears twice`);
    into[thing.id] = thing;
  };
  for (const each of scenario.subnets ?? defaultSubnets(world.settings))
    put("subnets", world.subnets, makeSubnet(each));
  for (const each of scenario.securityGroups ?? defaultGroups)
    put("securityGroups", world.securityGroups, makeGroup(each));
  for (const each of scenario.instances ?? [])
    put("instances", world.instances, makeInstance(world, each, now));
  for (const each of scenario.volumes ?? []) put("volumes", world.volumes, makeVolume(world, each, now));
  for (const each of scenario.snapshots ?? [])
    put("snapshots", world.snapshots, makeSnapshot(world, each, now));
  for (const each of scenario.images ?? []) put("images", world.images, makeImage(world, each, now));
  addKeys(world, scenario.keys ?? [], now);
  for (const key of scenario.accessKeys ?? []) {
    const { partition, account } = world.settings;
    const arn = `arn:${partition}:iam::${account}:user/${key.user}`;
    world.credentials[key.id] = { arn, userId: `AIDA${key.id.slice(4)}`, session: null };
  }
  noteLaunchDevices(world, scenario);
  if (scenario.generate !== undefined) generate(world, scenario.generate, now);
  noteRoots(world);
  noteCopies(world);
  return [...faults, ...danglingReferences(world)];
}

function noteCopies(world: World): void {
  const copies = Object.values(world.snapshots).filter(
    ({ copy, state }) => copy !== null && state === "completed",
  );
  for (const copy of copies.sort((a, b) => a.startTime - b.startTime)) noteCompleted(world, copy);
}

const defaultSubnets = ({ zone }: Settings) => [
  { id: "subnet-0d3a0de0c0ffee001", zone, vpc: "vpc-0d3a0de0c0ffee001" },
];
const defaultGroups = [{ id: "sg-0d3a0de0c0ffee001", name: "default", vpc: "vpc-0d3a0de0c0ffee001" }];

function noteLaunchDevices(world: World, scenario: ScenarioPlace): void {
  for (const volume of scenario.volumes ?? []) {
    for (const { instance, device, atLaunch } of volume.attachments ?? []) {
      if (atLaunch !== false) world.instances[instance]?.launchDevices.push(device);
    }
  }
}

function danglingReferences(world: World): string[] {
  const faults: string[] = [];
  const devices = new Set<string>();
  for (const volume of Object.values(world.volumes)) {
    if (volume.attachments.length > 1 && !volume.multiAttachEnabled) {
      faults.push(`volumes: ${volume.id} has several attachments but not multiAttachEnabled`);
    }
    for (const { instance, device } of volume.attachments) {
      if (!world.instances[instance])
        faults.push(`volumes: ${volume.id} is attached to ${instance}, which does not exist`);
      if (devices.has(`${instance} ${device}`))
        faults.push(`volumes: ${instance} has two volumes at ${device}`);
      devices.add(`${instance} ${device}`);
    }
  }
  for (const image of Object.values(world.images)) {
    for (const snapshot of Object.values(image.snapshots)) {
      if (!world.snapshots[snapshot])
        faults.push(`images: ${image.id} uses ${snapshot}, which does not exist`);
    }
  }
  return faults;
}
