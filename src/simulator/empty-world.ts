import type { World } from "./world.ts";

/** Nothing of anything: what a state of before a kind of thing was simulated has of it. */
export function emptyWorld(): Omit<World, "settings"> {
  return {
    instances: {},
    volumes: {},
    snapshots: {},
    ghosts: [],
    newestCopies: {},
    images: {},
    rootTasks: {},
    subnets: {},
    securityGroups: {},
    keyPairs: {},
    clientTokens: {},
    series: {},
    alarms: {},
    alarmHistory: [],
    dashboards: {},
    topics: {},
    subscriptions: {},
    deliveries: [],
    keys: {},
    commands: {},
    buckets: {},
    credentials: {},
    metadataTokens: {},
    sequence: 0,
  };
}
