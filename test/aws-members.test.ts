import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";

const folder = path.join(import.meta.dirname, "..", "src", "aws");
/** By structure, what runs read and what commands read beside it. */
const members = ["members", "members-apart"].flatMap((name) =>
  Object.values(
    JSON.parse(readFileSync(path.join(folder, `${name}.json`), "utf8")) as Record<string, string[]>,
  ),
);
/** They speak to CloudWatch and SNS, whose answers the bundle keeps whole. */
const others = new Set(["alarms.ts", "topic.ts"]);
const sources = readdirSync(folder)
  .filter((file) => file.endsWith(".ts") && !others.has(file))
  .map((file) => readFileSync(path.join(folder, file), "utf8"))
  // What is read of other services' answers is not cut out of anything.
  .filter((text) => !/from "@aws-sdk\/client-(ebs|kms|service-quotas|sns|ssm|sts)"/.test(text))
  .join("\n")
  .replace(/\/\*[\s\S]*?\*\/|\/\/.*/g, "");

/** Members of requests and of the outermost answers, which the bundle keeps whole. */
const whole = new Set([
  "Regions",
  "Reservations",
  "Volumes",
  "VolumeStatuses",
  "Snapshots",
  "Images",
  "LaunchPermissions",
  "ReplaceRootVolumeTask",
  "ReplaceRootVolumeTasks",
  "Subnets",
  "InstanceStatuses",
  "InstanceTypeOfferings",
  "InstanceTypes",
  "AvailabilityZones",
  "KeyPairs",
  "StoppingInstances",
  "Output",
  "Tenancy",
  "UserData",
  "NextToken",
  "Key",
  "Value",
  "Managed",
  "Principal",
]);

/** Members that only requests have, of structures that answers have too. */
const sent = new Set(["NoDevice"]);

/** What the sources read of an answer: `.Member`, `"Member" in found`, and members taken apart. */
function membersRead(): string[] {
  const dotted = [...sources.matchAll(/\.([A-Z][A-Za-z0-9]+)\b(?!\()/g)].map((match) => match[1] ?? "");
  const asked = [...sources.matchAll(/"([A-Z][A-Za-z]+)" in found/g)].map((match) => match[1] ?? "");
  const apart = [...sources.matchAll(/const \{([^}]*)\} (?:= (?:found|volume)\b|of answer)/g)]
    .flatMap((match) => (match[1] ?? "").split(","))
    .map((part) => part.split(":")[0]?.trim() ?? "");
  return [...new Set([...dotted, ...asked, ...apart])].filter((name) => /^[A-Z]/.test(name));
}

describe("the members of EC2's answers that the bundle keeps", () => {
  it("are all those that the sources read", () => {
    const kept = new Set(members.flat());
    const words = new Set(["NaN", "NotFound", "Unavailable", "Timeout", "Duplicate"]);
    const missing = membersRead().filter((name) => !kept.has(name) && !whole.has(name) && !words.has(name));
    expect(missing).toEqual([]);
  });

  it("are read by the sources, every one", () => {
    const read = new Set(membersRead());
    expect(members.flat().filter((name) => !read.has(name) && !sent.has(name))).toEqual([]);
  });
});
