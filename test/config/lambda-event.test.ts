import { expect, test } from "vitest";
import { readEvent, withAccounts } from "../../src/config/lambda-event.ts";
import type { Loaded } from "../../src/config/load.ts";
import { parseConfig } from "../../src/config/parse-whole.ts";

const usual = { action: "sweep", parts: [], dryRun: false, publish: false, notify: false };

test.each([
  ["nothing", undefined],
  ["an empty object", {}],
  [
    "a rule without an input",
    { version: "0", "detail-type": "Scheduled Event", source: "aws.events", detail: {} },
  ],
  [
    "a schedule without one",
    { version: "0", "detail-type": "Scheduled Event", source: "aws.scheduler", detail: "{}" },
  ],
])("%s asks for a sweep as it is configured", (_, event) => {
  expect(readEvent(event)).toEqual(usual);
});

test("what is asked for is read, inside of what a bus carries, too", () => {
  const event = { parts: ["prune"], regions: ["eu-central-1"], accounts: ["self"], dryRun: true };
  expect(readEvent(event)).toEqual({ ...usual, ...event });
  expect(readEvent({ "detail-type": "x", detail: event })).toEqual({ ...usual, ...event });
  expect(readEvent({ action: "audit", publish: true, regions: "all" })).toEqual({
    ...usual,
    action: "audit",
    publish: true,
    regions: "all",
  });
});

test.each([
  [[], /expected a mapping with any of action/],
  ["sweep", /expected an object/],
  [{ yes: true }, /yes: expected one of .*, found an unknown key/],
  [{ parts: ["adopt"] }, /parts\[0\]: expected one of .*, found "adopt"/],
  [{ parts: [] }, /parts: expected a list with any of/],
  [{ regions: ["Frankfurt"] }, /regions\[0\]: expected a Region such as eu-central-1, found "Frankfurt"/],
  [{ action: "restore" }, /action: expected one of sweep, audit, units/],
  [{ action: "audit", parts: ["prune"] }, /parts is for the action sweep/],
  [{ publish: true }, /publish and notify are for the action audit/],
  [{ "detail-type": "x", detail: "{" }, /expected an object/],
])("%j is refused with what was expected", (event, message) => {
  expect(() => readEvent(event)).toThrow(message);
});

const own = "111122223333";
const loadedOf = (sweep: string): Loaded => {
  const text = `version: 1\nsweep: ${sweep}\n`;
  const parsed = parseConfig(text, "config.yaml");
  return parsed.ok ? { ...parsed, text } : parsed;
};
const arn = (account: string) => `arn:aws:iam::${account}:role/ec2-backup-sweep`;
const chosen = (loaded: Loaded) =>
  loaded.ok === true
    ? loaded.file.config.sweep?.accounts?.map((one) => (one === "self" ? one : one.role))
    : undefined;

test("accounts are those of the configuration, by id, by name and by self", () => {
  const loaded = loadedOf(
    `{ accounts: [self, { role: "${arn("444455556666")}", externalId: Backups-4711, name: shop }, { role: "${arn("777788889999")}" }] }`,
  );
  expect(chosen(withAccounts(loaded, ["shop"], own))).toEqual([arn("444455556666")]);
  expect(chosen(withAccounts(loaded, ["777788889999", own], own))).toEqual(["self", arn("777788889999")]);
  expect(chosen(withAccounts(loaded, ["self"], own))).toEqual(["self"]);
  expect(chosen(withAccounts(loaded, undefined, own))).toHaveLength(3);
  expect(() => withAccounts(loaded, ["self", "222233334444"], own)).toThrow(
    /no account 222233334444; it has self, shop, 777788889999/,
  );
});

test("without a word of accounts there is the own one alone", () => {
  for (const loaded of [loadedOf("{}"), { absent: true } as const]) {
    expect(withAccounts(loaded, [own], own)).toEqual(loaded);
    expect(() => withAccounts(loaded, ["444455556666"], own)).toThrow(/it has self/);
  }
});
