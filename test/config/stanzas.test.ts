import { describe, expect, it } from "vitest";
import { formatFault } from "../../src/config/fault.ts";
import { readStanzas } from "../../src/config/stanzas.ts";

const day = 86_400_000;
const written = `{
  "match": { "instance-id": "i-0123456789abcdef0", "tag:Name": "legacy_*", "tag:backup": "yes" },
  "snapshot": { "retention": "4 days", "minimum": 5, "frequency": "12 hours" },
  "ignore": ["i-abcdabcd", "vol-abcdabcd"],
  "ignore_retention": true,
  "replication": "yes"
}`;

function faultsOf(text: string): string[] {
  const read = readStanzas(text, "stanzas.json");
  return read.ok ? [] : read.faults.map(formatFault);
}

describe("stanzas in a file", () => {
  it("are read as their tool writes them", () => {
    expect(readStanzas(written, "stanzas.json")).toEqual({
      ok: true,
      stanzas: [
        {
          id: "stanza 1",
          match: [
            { name: "instance-id", values: ["i-0123456789abcdef0"] },
            { name: "tag:Name", values: ["legacy_*"] },
            { name: "tag:backup", values: ["yes"] },
          ],
          retention: 4 * day,
          minimum: 5,
          frequency: { every: day / 2 },
          ignore: ["i-abcdabcd", "vol-abcdabcd"],
          ignoreRetention: true,
          replication: true,
        },
      ],
    });
  });

  it("may be one, a list, or named", () => {
    const ids = (text: string) => {
      const read = readStanzas(text, "stanzas.json");
      return read.ok ? read.stanzas.map(({ id }) => id) : read.faults.map(formatFault);
    };
    expect(ids(`[${written},${written}]`)).toEqual(["stanza 1", "stanza 2"]);
    expect(ids(`{"daily": ${written}, "weekly": ${written}}`)).toEqual(["daily", "weekly"]);
    expect(
      ids(
        "web:\n  match: { tag:Name: web }\n  snapshot: { retention: 1w, minimum: 1, frequency: 0 5 * * ? * }\n",
      ),
    ).toEqual(["web"]);
  });

  it("tell all their faults at once, each with its place", () => {
    const faulty = `{
  "match": { "image-id": "ami-1", "tag:Name": 7 },
  "snapshot": { "retention": "3 months", "minimum": -1, "frequency": "0 5 1 * mon" },
  "ignore": ["web-1"],
  "ignore_retention": "true",
  "replicate": "yes"
}`;
    expect(faultsOf(faulty)).toEqual([
      'stanzas.json:6:3: replicate: expected one of match, snapshot, ignore, ignore_retention, replication, found an unknown key; did you mean "replication"?',
      'stanzas.json:3:30: snapshot.retention: expected a duration such as "4 days" or "1w3d2h", from 1h to 36525d, found "3 months"; months and years are none: write days',
      'stanzas.json:3:70: snapshot.frequency: expected a duration such as "4 days" or "1w3d2h", or a crontab of 5 to 7 fields, found "0 5 1 * mon" (day of month and day of week: at most one of them may be other than * or ?)',
      "stanzas.json:3:53: snapshot.minimum: expected a whole number from 0 to 100000, found -1",
      "stanzas.json:2:14: match.image-id: expected a filter: tag:<key>, instance-id, instance-state-name, instance-lifecycle, owner-id, tag-key, block-device-mapping.volume-id, found another one",
      'stanzas.json:2:47: match["tag:Name"]: expected a text, or a list of texts; * and ? are wildcards, found 7',
      'stanzas.json:4:14: ignore[0]: expected the id of an instance or a volume, found "web-1"',
      'stanzas.json:5:23: ignore_retention: expected true or false, not in quotes, found "true"',
    ]);
  });

  it("without a match, or with an empty one, are none and never everything", () => {
    const snapshot = '"snapshot": { "retention": "4 days", "minimum": 5, "frequency": "12 hours" }';
    for (const text of [`{${snapshot}}`, `{"match": {}, ${snapshot}}`, `{"match": [], ${snapshot}}`])
      expect(faultsOf(text)).toEqual([expect.stringContaining("never everything")]);
  });

  it.each(["", "7", "{", "[1]", '{"a": {}}'])("that are none are a fault: %j", (text) =>
    expect(faultsOf(text).length).toBeGreaterThan(0),
  );
});

it.each(["[]", "{}"])("%s names no stanza, which is told rather than taken for nothing to do", (text) => {
  expect(readStanzas(text, "s.json")).toMatchObject({
    ok: false,
    faults: [{ expected: "at least one stanza" }],
  });
});
