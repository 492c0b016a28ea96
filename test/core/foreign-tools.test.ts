import fc from "fast-check";
import { describe, expect, it, test } from "vitest";
import { foreignTools, type MarkedSnapshot, markIn, marksIn, toolOf } from "../../src/core/foreign-tools.ts";
import { at } from "./points.ts";

const startTime = at("2027-03-01T02:00");

function snapshot(tags: Record<string, string>, description?: string): MarkedSnapshot {
  return { volumeId: "vol-1", startTime, tags, ...(description === undefined ? {} : { description }) };
}

/** What each tool writes, and when it deletes it. */
const marks: readonly [string, MarkedSnapshot, string | undefined, string][] = [
  [
    "dlm",
    snapshot({ "aws:dlm:lifecycle-policy-id": "p", "aws:dlm:expirationTime": "2027-03-08T02:00:00Z" }),
    "2027-03-08T02:00",
    "expiration",
  ],
  [
    "dlm",
    snapshot({ "aws:dlm:lifecycle-policy-id": "p", DeleteOn: "2027-03-02" }),
    undefined,
    "count or age",
  ],
  ["aws-backup", snapshot({ "aws:backup:source-resource": "i-1" }), undefined, "vault"],
  [
    "automate-backup",
    snapshot({ CreatedBy: "ec2-automate-backup", PurgeAllow: "true", PurgeAfterFE: "1804464000" }),
    "2027-03-08T00:00",
    "PurgeAfterFE",
  ],
  [
    "automate-backup",
    snapshot({ CreatedBy: "ec2-automate-backup", PurgeAllow: "true", PurgeAfter: "2027-03-09" }),
    "2027-03-09T00:00",
    "2027-03-09",
  ],
  [
    "automate-backup",
    snapshot({ CreatedBy: "ec2-automate-backup", PurgeAfterFE: "1804464000" }),
    undefined,
    "PurgeAllow",
  ],
  ["bash-snapshot", snapshot({ CreatedBy: "AutomatedBackup" }), "2027-03-08T02:00", "7 days"],
  [
    "ebs-snapshot-scheduler",
    snapshot({ "scheduler:ebs-snapshot:prod": "auto_delete" }),
    "2027-03-16T02:00",
    "DynamoDB",
  ],
  ["ebs-snapshot-scheduler", snapshot({ "scheduler:ebs-snapshot": "keep" }), undefined, "never"],
  [
    "shelvery",
    snapshot({ "shelvery:name": "x", "shelvery:retention_type": "weekly" }),
    "2027-04-26T02:00",
    "clean-up",
  ],
  [
    "shelvery",
    snapshot({ "shelvery:name": "x", "shelvery:retention_type": "constructor" }),
    undefined,
    "clean-up",
  ],
  ["cloud-custodian", snapshot({ custodian_snapshot: "x" }), undefined, "policies"],
  ["backup-monkey", snapshot({}, "BACKUP_MONKEY nightly vol-1 i-1 /dev/sdf"), undefined, "3 newest"],
  ["snapshot-tool", snapshot({}, "month_snapshot vol-1 by snapshot script"), undefined, "11 newest"],
  ["snapshot-tool", snapshot({}, "week_snapshot vol-1 by snapshot script"), undefined, "5 newest"],
  [
    "ebs-snapshots-lambda",
    snapshot({ Type: "Automated", DeleteOn: "2027-03-08" }),
    "2027-03-08T00:00",
    "2027-03-08",
  ],
  [
    "ebs-snapshots-lambda",
    snapshot({ Type: "Automated", DeleteOn: "2027-03-08", KeepForever: "Yes" }),
    undefined,
    "KeepForever",
  ],
  ["ebs-snapper", snapshot({ DeleteOn: "2027-03-05", Name: "web" }), "2027-03-05T00:00", "2027-03-05"],
  ["ebs-snapper", snapshot({ DeleteOn: "2027-02-31" }), undefined, "no date"],
  ["janitor", snapshot({ janitor: "2027-05-01" }), "2027-05-01T00:00", "2027-05-01"],
  ["janitor", snapshot({ janitor: "donotmark" }), undefined, "donotmark"],
  ["vss", snapshot({ AppConsistent: "true" }), undefined, "never"],
];

describe("the marks of other tools", () => {
  test.each(marks)("%s is told by them (%#)", (id, one, expiry, by) => {
    const tool = toolOf(one);
    expect(tool?.id).toBe(id);
    const expires = tool?.expires(one);
    expect(expires?.at).toEqual(expiry === undefined ? undefined : at(expiry));
    expect(expires?.by).toContain(by);
  });

  test.each(marks)("%s is told as well by what is kept of them (%#)", (_id, one) => {
    const description = markIn(one.description);
    const kept = { ...one, tags: marksIn({ ...one.tags, Name: "web" }), description: description ?? "" };
    expect(kept.tags).toEqual(marksIn(one.tags));
    expect([toolOf(kept)?.id, toolOf(kept)?.expires(kept)]).toEqual([
      toolOf(one)?.id,
      toolOf(one)?.expires(one),
    ]);
  });

  it("are known of each tool by one of these, and each has a name of its own", () => {
    expect(new Set(marks.map(([id]) => id))).toEqual(new Set(foreignTools.map(({ id }) => id)));
    expect(new Set(foreignTools.map(({ name }) => name)).size).toBe(foreignTools.length);
  });

  it("are none where people or programs of their own tag", () => {
    const marking =
      /^(?:aws:|shelvery:|scheduler:|(?:janitor|AppConsistent|DeleteOn|CreatedBy|PurgeAfterFE|custodian_snapshot)$)/;
    const keys = fc.stringMatching(/^[A-Za-z][\w:-]{0,20}$/).filter((key) => !marking.test(key));
    const tags = fc.dictionary(keys, fc.string());
    fc.assert(
      fc.property(
        tags,
        fc.constantFrom(undefined, "before the upgrade", "holiday snapshots"),
        (own, description) => {
          expect(toolOf(snapshot(own, description))).toBeUndefined();
        },
      ),
    );
  });

  it("never give an instant that is none, whatever stands in them", () => {
    const value = fc.oneof(
      fc.string(),
      fc.constantFrom("2027-13-01", "99999999999", "0000-00-00", "2027-03-01"),
      fc.nat().map(String),
    );
    const key = fc.constantFrom(
      "DeleteOn",
      "PurgeAfterFE",
      "PurgeAfter",
      "PurgeAllow",
      "CreatedBy",
      "Type",
      "janitor",
      "aws:dlm:lifecycle-policy-id",
      "aws:dlm:expirationTime",
      "shelvery:name",
      "shelvery:retention_type",
    );
    fc.assert(
      fc.property(fc.dictionary(key, value), (tags) => {
        const one = snapshot(tags);
        const expires = toolOf(one)?.expires(one);
        expect(Number.isNaN(expires?.at?.getTime())).toBe(false);
        if (expires !== undefined) expect(expires.by).not.toBe("");
      }),
    );
  });
});
