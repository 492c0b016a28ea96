import { describe, expect, test } from "vitest";
import { markdown } from "../../src/cli/report-markdown.ts";
import { composePage } from "../../src/core/compose-page.ts";
import { facts, healthy, storedPart, troubled } from "../core/page-facts.ts";
import { instance, job } from "../core/points.ts";

describe("the report as Markdown", () => {
  const text = markdown(composePage(facts([healthy()])));

  test("says how things stand, then each part under its heading", () => {
    expect(text).toMatch(/^# Backups of web-1\n/);
    expect(text).toContain("\n**All 4 volumes are protected as promised.**\n");
    expect([...text.matchAll(/^##+ (.*)$/gm)].map(([, title]) => title)).toEqual([
      "Job default",
      "Volumes",
      "Gaps longer than 27 h since 2027-01-20 01:30",
      "Retention in the coming weeks",
      "Runs",
      "Restore the point of 2027-03-20 01:30 without this program",
      "Points",
    ]);
  });

  test("speaks of contents and repositories where something is stored, and of volumes where there are any", () => {
    const stored = markdown(composePage(facts([storedPart("files", [3_600_000])])));
    expect(stored).toContain("\n### What is stored\n");
    expect(stored).toMatch(/^\| Content \| Repository \| Newest complete point/m);
    expect(stored).toMatch(/^\| files +\| central +\|/m);
    expect(stored).not.toMatch(/volume|device|alarms/i);
    expect(text).toMatch(/^\| Volume +\| Device +\| Newest complete point/m);
  });

  test("has tables whose rows have the cells of their head, each column under its title", () => {
    const tables = text.match(/(?:^\|.*\n)+/gm) ?? [];
    expect(tables.length).toBe(4);
    for (const table of tables) {
      const rows = table.trimEnd().split("\n");
      const bars = (row: string) => [...row.matchAll(/(?<!\\)\|/g)].map(({ index }) => index).slice(0, -1);
      for (const row of rows) expect(bars(row)).toEqual(bars(rows[0] ?? ""));
      expect(rows[1]).toMatch(/^(\| -+ )+\|$/);
    }
  });

  test("has commands as code, which nothing in them can end", () => {
    expect(text).toMatch(/^ {4}volume=\$\(aws ec2 create-volume /m);
  });

  test("has cron expressions and commands in findings as code, without escapes", () => {
    expect(text).toContain(", `0 2 * * *` (Europe/Berlin)\n");
    const problems = [
      {
        severity: "error",
        kind: "denied",
        doing: "x",
        found: "see `ec2-backup plan a_b *`, *not* `a|b` or ``c``",
      },
    ] as const;
    const page = markdown(composePage(facts([healthy()], { problems })));
    expect(page).toContain("see `ec2-backup plan a_b *`, \\*not\\* \\`a\\|b\\` or \\`\\`c\\`\\`\n");
  });

  test("lists fifty points of a thousand, says so, and fits into a ticket", () => {
    const long = markdown(composePage(troubled()));
    expect(long).toContain("950 older ones are not listed here");
    expect(long.length).toBeLessThan(65_536);
  });

  test("takes no markup from names", () => {
    const name = "x](http://evil) <b>`|\n# owned \u202e";
    const wicked = markdown(
      composePage(
        facts([healthy({ name, job: job({ name, schedule: "0 2 * * *" }) })], {
          instance: { ...instance, name },
        }),
      ),
    );
    expect(wicked).not.toMatch(/^# owned/m);
    expect(wicked).toContain("## Job x\\](http://evil) \\<b\\>\\`\\| \\# owned \\\\u202e\n");
    expect(wicked).not.toContain("\u202e");
  });
});
