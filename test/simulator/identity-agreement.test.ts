import { expect, test } from "vitest";
import type { Permission } from "../../src/simulator/identity-policies.ts";
import { chanceOf } from "../system/chance.ts";
import { instance } from "../system/history.ts";
import { disagreements } from "../system/iam-agreement.ts";
import type { Policy, Statement } from "../system/policies.ts";

const soak = process.env["SOAK"] !== undefined;
const seed = Number(process.env["SEED"] ?? Math.floor(Math.random() * 1e9));
console.log(
  `random policies for two evaluators: SEED=${seed}${soak ? ", full" : ", reduced (SOAK=1 for all)"}`,
);

const chance = chanceOf(seed);
const pick = <T>(from: readonly [T, ...T[]]): T => from[Math.floor(chance() * from.length)] ?? from[0];
const some = <T>(from: readonly [T, ...T[]], most: number): T[] =>
  Array.from({ length: 1 + Math.floor(chance() * most) }, () => pick(from));
const maybe = (likely: number): boolean => chance() < likely;

const snapshot = `arn:aws:ec2:${instance.region}::snapshot/snap-0fa00000000000001`;
const others = instance.arn.replace(/1$/, "9");
const self = "$" + "{ec2:SourceInstanceARN}";
const actions = ["ec2:DeleteSnapshot", "ec2:CreateTags", "ec2:LockSnapshot"] as const;
const plain = [instance.arn, others, "red", "Red", "re*", "*", "r?d"] as const;
// A variable without a value matches nothing, so that negated operators match: the other evaluator does not say so.
const texts = [...plain, self, `${self}/*`] as const;

/** Blocks of conditions of every operator that is simulated, on keys that these actions have. */
function condition(): Statement["Condition"] {
  const block = pick<() => [string, string, string | string[]]>([
    () => [pick(["StringEquals", "StringLike"]), key(), some(texts, 2)],
    () => [pick(["StringEqualsIfExists", "StringLikeIfExists"]), key(), pick(texts)],
    () => [pick(["StringNotEquals", "StringNotLike", "StringNotEqualsIfExists"]), key(), some(plain, 2)],
    () => [
      pick(["StringEqualsIgnoreCase", "StringNotEqualsIgnoreCase"]),
      key(),
      pick(["red", "RED", "blue"]),
    ],
    () => [pick(["ArnLike", "ArnEquals", "ArnNotLike"]), "ec2:SourceInstanceARN", pick(arns)],
    () => ["Null", key(), pick(["true", "false"])],
    () => [numeric(), "ec2:SnapshotLockDuration", pick(["7", "35", "36"])],
    () => [pick(["DateGreaterThan", "DateLessThan"]), "ec2:SnapshotTime", pick(days)],
    () => [`${pick(["ForAllValues", "ForAnyValue"])}:${pick(sets)}`, "aws:TagKeys", some(tags, 3)],
  ]);
  const [operator, name, value] = block();
  return { [operator]: { [name]: value } };
}

const key = () =>
  pick(["aws:ResourceTag/color", "aws:ResourceTag/owner", "aws:RequestTag/color", "ec2:SourceInstanceARN"]);
const numeric = () =>
  `Numeric${pick(["Equals", "NotEquals", "LessThan", "LessThanEquals", "GreaterThan", "GreaterThanEquals"])}`;
const arns = [instance.arn, "arn:aws:ec2:*:*:instance/*", "arn:aws:ec2:*:*:volume/*"] as const;
const days = ["2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z"] as const;
const sets = ["StringEquals", "StringLike", "StringNotEquals"] as const;
const tags = ["color", "owner", "ec2-backup:*", "ec2-backup:frozen"] as const;

function statement(): Statement {
  const conditions = maybe(0.8)
    ? Object.assign({}, ...Array.from({ length: 1 + Number(maybe(0.4)) }, condition))
    : undefined;
  return {
    Effect: maybe(0.75) ? "Allow" : "Deny",
    Action: pick([pick(actions), "ec2:*", "ec2:Delete*", [...actions]]),
    Resource: pick([
      "*",
      "arn:aws:ec2:*::snapshot/*",
      "arn:*:ec2:*::snapshot/*",
      "arn:aws:ec2:*:*:volume/*",
      snapshot,
    ]),
    ...(conditions === undefined ? {} : { Condition: conditions }),
  };
}

function permission(): Permission {
  const action = pick(actions);
  const asks = (likely: number, name: string, values: readonly [string, ...string[]]) =>
    maybe(likely) ? { [name]: pick(values) } : {};
  const keys = maybe(0.7)
    ? { "aws:tagkeys": [...new Set(some(["color", "owner", "ec2-backup:frozen"], 3))] }
    : {};
  return {
    action,
    resource: snapshot,
    context: {
      ...asks(0.8, "ec2:sourceinstancearn", [instance.arn]),
      ...asks(0.6, "aws:resourcetag/color", ["red", "Red", "blue"]),
      ...asks(0.6, "aws:resourcetag/owner", [instance.arn, others]),
      ...asks(0.9, "ec2:snapshottime", ["2026-06-01T00:00:00.000Z"]),
      ...(action === "ec2:CreateTags"
        ? { ...asks(0.6, "aws:requesttag/color", ["red", "blue"]), ...keys }
        : {}),
      ...(action === "ec2:LockSnapshot" ? asks(0.8, "ec2:snapshotlockduration", ["7", "35", "40"]) : {}),
    },
  };
}

test("both evaluators say the same of random policies and requests", async () => {
  for (let round = 0; round < (soak ? 5_000 : 400); round++) {
    const policy: Policy = {
      Version: "2012-10-17",
      Statement: Array.from({ length: 1 + Math.floor(chance() * 3) }, statement),
    };
    const asked = permission();
    const found = await disagreements([policy], [asked]);
    expect(found, `SEED=${seed}, round ${round}: ${JSON.stringify({ policy, asked }, null, 1)}`).toEqual([]);
  }
}, 300_000);
