import { describe, expect, it } from "vitest";
import { type ObstacleFacts, obstaclesOf } from "../../src/core/restore-obstacles.ts";
import type { FoundSnapshot } from "../../src/core/restore-ports.ts";
import { at, snapshot } from "./points.ts";

const key = "arn:aws:kms:eu-central-1:111122223333:key/1";
const facts: ObstacleFacts = {
  region: "eu-central-1",
  account: "111122223333",
  now: at("2027-01-01T01:00"),
  keys: new Map(),
};
const judge = (wish: Partial<FoundSnapshot>, more: Partial<ObstacleFacts> = {}) =>
  obstaclesOf({ ...snapshot(), id: "snap-0a1", ...wish }, { ...facts, ...more }).map(
    ({ severity, found, remedy }) => [severity, found, remedy].filter(Boolean).join(" | "),
  );

describe("what keeps a snapshot from being restored", () => {
  it("is nothing where it is completed, mine, and locked or not", () => {
    expect(judge({})).toEqual([]);
    expect(judge({ owner: facts.account, encrypted: true, kmsKey: key })).toEqual([]);
  });

  it.each<[string, Partial<FoundSnapshot>, RegExp]>([
    [
      "pending, with the time left at its pace",
      { state: "pending", progress: 75 },
      /^blocks \| its data is still being written \(75 %\) \| wait, some 20 min at this pace: aws ec2 wait snapshot-completed --region eu-central-1 --snapshot-ids snap-0a1$/,
    ],
    ["pending, nobody knows how far", { state: "pending" }, /^blocks \| .*written \| wait: aws ec2 wait/],
    [
      "failed",
      { state: "error", stateMessage: "no key" },
      /^blocks \| EC2 could not complete it: no key \| .*restore list/,
    ],
    [
      "deleted into the Recycle Bin",
      { state: "recoverable" },
      /Recycle Bin \| aws ec2 restore-snapshot-from-recycle-bin --region eu-central-1 --snapshot-id snap-0a1$/,
    ],
    ["on its way out of the bin", { state: "recovering" }, /^blocks \| .* \| wait some minutes/],
    [
      "archived",
      { archived: true },
      /^blocks \| it is in the archive tier \| aws ec2 restore-snapshot-tier .*--temporary-restore-days 7; it takes up to 72 h/,
    ],
    [
      "archived again",
      { archived: true, restoredUntil: at("2027-01-01T00:59") },
      /^blocks \| .*archive tier/,
    ],
    [
      "out of the archive",
      { archived: true, restoredUntil: at("2027-01-02T00:00") },
      /^note \| .*until 2027-01-02/,
    ],
    ["shared", { owner: "999900001111" }, /^note \| it belongs to account 999900001111/],
    [
      "shared and encrypted",
      { owner: "999900001111", encrypted: true, kmsKey: key },
      /^note \| .*encrypted with the key arn.* \| the policy of that key must allow account 111122223333/,
    ],
  ])("%s", (_, wish, words) => {
    expect(judge(wish)).toEqual([expect.stringMatching(words)]);
  });

  it.each([
    ["Disabled", undefined, /^blocks \| its key is disabled: .* \| aws kms enable-key --key-id/],
    [
      "PendingDeletion",
      at("2027-01-09T00:00"),
      /to be deleted on 2027-01-09.*cancel-key-deletion.*enable-key/,
    ],
    ["PendingImport", undefined, /^blocks \| its key cannot be used, it is PendingImport.*describe-key/],
  ])("a key that is %s", (state, deletion, words) => {
    const keys = new Map([[key, { arn: key, state, ...(deletion && { deletion }) }]]);
    expect(judge({ encrypted: true, kmsKey: key }, { keys })).toEqual([expect.stringMatching(words)]);
  });

  it("is not a key that is enabled, or that nobody may ask about", () => {
    for (const known of [{ arn: key, state: "Enabled" }, { arn: key }])
      expect(judge({ encrypted: true, kmsKey: key }, { keys: new Map([[key, known]]) })).toEqual([]);
  });
});
