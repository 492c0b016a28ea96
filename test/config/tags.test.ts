import { describe, expect, it } from "vitest";
import { leftOutByTags, readBackupTag } from "../../src/config/backup-tag.ts";
import { formatFault } from "../../src/config/fault.ts";
import { readTags } from "../../src/config/tags.ts";

describe("a Backup tag", () => {
  it.each(["no", "No", "NO", " false ", "Off", "0"])("of value %j leaves out", (value) => {
    expect(readBackupTag({ Backup: value })).toMatchObject({ take: false, warnings: [] });
    expect(leftOutByTags({ backup: value })).toBe(`backup=${value.trim()}`);
  });

  it.each(["yes", "Yes", "TRUE", " on", "1"])("of value %j takes in", (value) => {
    expect(readBackupTag({ BACKUP: value })).toMatchObject({ take: true, warnings: [] });
    expect(leftOutByTags({ BACKUP: value })).toBeUndefined();
  });

  it.each(["daily", "", "nope", "n"])("of the unknown value %j takes in, with a warning", (value) => {
    const { take, warnings } = readBackupTag({ Backup: value });
    expect(take).toBe(true);
    expect(warnings).toEqual([`the tag "Backup=${value}" says neither yes nor no: taken as yes`]);
  });

  it("that is not there says nothing", () => {
    expect(readBackupTag({ Name: "db" })).toEqual({ warnings: [] });
    expect(leftOutByTags({})).toBeUndefined();
  });

  it("in spellings that contradict each other takes in, with a warning", () => {
    const tags = { Backup: "no", backup: "yes" };
    expect(readBackupTag(tags)).toEqual({
      take: true,
      tag: "backup=yes",
      warnings: ['the tags "Backup=no" and "backup=yes" contradict each other: taken as yes'],
    });
    expect(leftOutByTags(tags)).toBeUndefined();
  });

  it("in spellings that agree is no reason to warn", () => {
    expect(readBackupTag({ Backup: "no", backup: "off" })).toMatchObject({ take: false, warnings: [] });
  });

  it("is not found on the prototype of the tags", () => {
    expect(readBackupTag(Object.create({ Backup: "no" })).take).toBeUndefined();
  });
});

describe("the instance's tags", () => {
  it("give retention and schedule in any of their spellings", () => {
    expect(readTags({ retention: "7", schedule: " every 12h " })).toMatchObject({
      retention: { key: "retention", value: { within: 604_800_000 } },
      schedule: { key: "schedule", value: "every 12h" },
      faults: [],
      warnings: [],
    });
  });

  it("that cannot be read are faults which name tag, value and examples, and count for nothing", () => {
    const { retention, schedule, faults } = readTags({ Retention: "-7", Schedule: "0 25 * * *" });
    expect([retention, schedule]).toEqual([undefined, undefined]);
    expect(faults.map(formatFault)).toEqual([
      'tag Retention: expected an age such as 7, 7d, 36h or 2w, or rules such as "last=3 daily=7 weekly=4 min=2", ' +
        'found "-7" ("-7" is no age)',
      'tag Schedule: expected a cron expression such as "0 2 * * *" or a period such as "every 12h", ' +
        'found "0 25 * * *" (hour: 25 is outside 0-23)',
    ]);
  });

  it("in spellings of different meaning are a fault, since a guess could remove too much", () => {
    const { retention, faults } = readTags({ Retention: "30", retention: "7" });
    expect(retention).toBeUndefined();
    expect(faults.map(formatFault)).toEqual([
      'tag retention: expected the same as the tag Retention, found "7"',
    ]);
  });

  it("in spellings of the same meaning are no fault", () => {
    expect(readTags({ Retention: "7", RETENTION: "7d" })).toMatchObject({
      retention: { key: "Retention" },
      faults: [],
    });
  });

  it.each(["Copy_Dest", "Auto_Snapshot_Copy1", "SnapshotsExtraRegion1"])(
    "name by %s the Regions that points are copied to",
    (key) => {
      expect(readTags({ [key]: "eu-west-1, us-east-1 eu-west-1" })).toMatchObject({
        copy: { key, value: ["eu-west-1", "us-east-1"] },
        faults: [],
        warnings: [],
      });
      expect(readTags({ [key]: " " }).copy?.value).toEqual([]);
      expect(readTags({ [key]: "Ireland" }).faults.map(formatFault)).toEqual([
        `tag ${key}: expected Regions such as eu-west-1, us-east-1, found "Ireland" ("Ireland" is no Region)`,
      ]);
    },
  );

  it("name no Region to copy to where two of them disagree", () => {
    const { copy, faults } = readTags({ Copy_Dest: "eu-west-1", SnapshotsExtraRegion1: "us-east-1" });
    expect(copy).toBeUndefined();
    expect(faults).toHaveLength(1);
  });

  it("of another upper and lower case are not read, with a warning", () => {
    expect(readTags({ BackUp: "no", reTention: "1" })).toMatchObject({
      backup: { warnings: [] },
      warnings: [
        'the tag "BackUp" is not read: tag keys are case-sensitive, write Backup',
        'the tag "reTention" is not read: tag keys are case-sensitive, write Retention',
      ],
    });
  });

  it("never carry text into a message that could disturb a terminal", () => {
    const nasty = "\u001b[2J\nERROR";
    const { faults, warnings } = readTags({
      Backup: nasty,
      Retention: nasty,
      Schedule: nasty,
      Copy_Dest: nasty,
    });
    expect([...faults.map(formatFault), ...warnings].join("")).not.toMatch(/\p{C}/u);
  });
});
