import type { Tags, World } from "./world.ts";

/** What the tags of generated things may name in braces. */
export interface Placeholders {
  account: string;
  region: string;
  /** The instance's ARN, id and name, and how many there were before it. */
  arn: string;
  instance: string;
  name: string;
  number: string;
  /** Its Auto Scaling group; empty where it is in none. */
  group: string;
  /** Of a volume. */
  device: string;
  /** Of a capture: an id of its own, its instant, and the ids of its volumes. */
  point: string;
  captured: string;
  volumes: string;
}

/** The names that a template may use. */
export const placeholderNames = [
  ...(["account", "region", "arn", "instance", "name", "number", "group"] as const),
  ...(["device", "point", "captured", "volumes"] as const),
] as const satisfies readonly (keyof Placeholders)[];

/** What is known of an instance. */
export function placeholders(world: World, instance: string, number: number): Placeholders {
  const { partition, account, region } = world.settings;
  return {
    account,
    region,
    arn: `arn:${partition}:ec2:${region}:${account}:instance/${instance}`,
    instance,
    name: `instance-${number}`,
    number: String(number),
    group: "",
    device: "",
    point: "",
    captured: "",
    volumes: "",
  };
}

/** Tags with `{arn}` and the like in their values, to be filled in; a tag that comes out empty is left out. */
export function templateOf(tags: Readonly<Record<string, string>>): (facts: Partial<Placeholders>) => Tags {
  const parts = Object.entries(tags).map(([key, value]) => [key, value.split(/\{(\w+)\}/)] as const);
  return (facts) => {
    const filled: Tags = {};
    for (const [key, pieces] of parts) {
      const [only = ""] = pieces;
      const value =
        pieces.length === 1
          ? only
          : pieces
              .map((each, index) => (index % 2 === 0 ? each : (facts[each as keyof Placeholders] ?? "")))
              .join("");
      if (value !== "" || pieces.length === 1) filled[key] = value;
    }
    return filled;
  };
}
