import { type Check, number, object, record, text } from "./check.ts";
import { placeholderNames } from "./template.ts";

/**
 * Things of a place by the thousand, beside those that are named. Numbers for each may be fractions: 2.4 volumes are
 * 2 for some instances and 3 for others. Shares go from 0 to 1 and are of the instances.
 */
export interface Generate {
  instances: number;
  /** Volumes of each instance, its root among them. Default 2.4. */
  volumesPer?: number;
  /** Further volumes that are attached to nothing. */
  unattached?: number;
  /** Captures of each instance, and so snapshots of each volume. Default 8. */
  snapshotsPerVolume?: number;
  /** Hours between two captures; the newest one is less than that ago. Default 24. */
  everyHours?: number;
  /** Gone, with their volumes: only their snapshots are left. */
  gone?: number;
  /** In Auto Scaling groups, spot instances, stopped, with encrypted volumes, with snapshots without tags. */
  groups?: number;
  spot?: number;
  stopped?: number;
  encrypted?: number;
  untagged?: number;
  /** Tags; values may name what `placeholderNames` lists in braces: `{arn}`, `{point}`, `{captured}` and so on. */
  tags?: {
    instance?: Record<string, string>;
    volume?: Record<string, string>;
    snapshot?: Record<string, string>;
  };
  /** Default: the place's own. */
  seed?: number;
}

const share = number({ min: 0, max: 1 });
const count = number({ min: 0 });

const template: Check = (value, path) => {
  const faults = text()(value, path);
  if (faults.length > 0) return faults;
  return [...String(value).matchAll(/\{(\w+)\}/g)]
    .filter(([, name = ""]) => !(placeholderNames as readonly string[]).includes(name))
    .map(([whole]) => `${path}: ${whole} is unknown (known: ${placeholderNames.join(", ")})`);
};
const tags = record(template);

/** The form of what is to be generated. */
export const generateCheck: Check = object(
  {
    instances: number({ min: 0, integer: true }),
    volumesPer: number({ min: 1 }),
    unattached: number({ min: 0, integer: true }),
    snapshotsPerVolume: count,
    everyHours: number({ min: 0.01 }),
    gone: share,
    groups: share,
    spot: share,
    stopped: share,
    encrypted: share,
    untagged: share,
    tags: object({ instance: tags, volume: tags, snapshot: tags }),
    seed: number({ min: 0, integer: true }),
  },
  ["instances"],
);
