import { describe, expect, it } from "vitest";
import { parse } from "../../src/cli/parse.ts";
import { addRestore } from "../../src/cli/parse-restore.ts";
import {
  modeText,
  printable,
  printCopied,
  printFilesPlan,
  printListing,
} from "../../src/cli/restore-files.ts";
import { terminal } from "../../src/cli/terminal.ts";
import { choosePoint } from "../../src/core/restore-choice.ts";
import { planRestore } from "../../src/core/restore-plan.ts";
import { digest } from "../actions/restore-world.ts";
import { pointAged } from "../core/page-facts.ts";
import { instance } from "../core/points.ts";

const read = (...words: string[]) => parse(words, "1.2.3", { commands: { restore: addRestore } });

function shown(print: (out: ReturnType<typeof terminal>) => void): string {
  let text = "";
  const write = (more: string) => {
    text += more;
  };
  print(terminal({ write, isTTY: true, columns: 80 }, false));
  for (const line of text.split("\n")) expect(line.length).toBeLessThanOrEqual(80);
  return text;
}

describe("the words of files", () => {
  const query = { jobs: [], tags: [] };
  it.each<[string[], object]>([
    [["ls", "/srv/"], { action: "ls", path: "/srv/", query, volumes: [], planned: false }],
    [["cat", "/x", "--at", "26h ago"], { action: "cat", path: "/x", query: { ...query, at: "26h ago" } }],
    [
      [
        "file",
        "/x",
        "--to",
        "/tmp/",
        "--overwrite",
        "--volume",
        "vol-0a",
        "--volume",
        "/dev/sdf",
        "--dry-run",
      ],
      { action: "file", to: "/tmp/", existing: "overwrite", volumes: ["vol-0a", "/dev/sdf"], planned: true },
    ],
    [["file", "/x", "--missing", "--filesystem", "data"], { existing: "keep", filesystem: "data" }],
    [["file", "/x"], { existing: "refuse" }],
    [["file", "/x", "--to", "here/"], { to: "here/" }],
    [["file", "/x", "/y z", "dump/shop"], { path: "/x", more: ["/y z", "dump/shop"] }],
    [["ls"], { path: "/", query: { jobs: [], tags: [] } }],
    [["ls", "/x", "--from", "offsite"], { query: { jobs: [], tags: [], repository: "offsite" } }],
    [["ls", "/x", "--from", "snap-0123456789abcdef0"], { query: { from: "snap-0123456789abcdef0" } }],
    [["cat", "dump/shop", "--volumes"], { path: "dump/shop", ofVolumes: true }],
    [
      ["ls", "/x", "--repository", "s3:https://s/b", "--password-file", "/p", "--option", "s3.x=a=b"],
      { query: { bare: { url: "s3:https://s/b", passwordFile: "/p", options: { "s3.x": "a=b" } } } },
    ],
    [
      ["find", "*.ods", "/srv", "--all", "--type", "link", "--ignore-case"],
      { find: { pattern: "*.ods", below: "/srv", ignoreCase: true, type: "symlink" }, every: true },
    ],
    [["diff", "26h ago", "newest"], { before: "26h ago", after: "newest" }],
    [["diff", "0193a1b2", "0193a1b3", "/etc"], { below: "/etc" }],
  ])("%s", (words, wanted) => {
    const answer = read("restore", ...words);
    expect(answer).toMatchObject({ kind: "command", command: { name: "restore", ...wanted } });
  });

  it.each([
    [["file"], "missing required argument 'path'"],
    [["file", "/x", "dump/"], "expected an absolute path, or dump/NAME"],
    [["ls", "/x", "--from", "snap-x"], "expected snap-… or the name of a repository"],
    [["ls", "/x", "--password-file", "/x"], "--password-file needs --repository"],
    [["ls", "/x", "--repository", "/srv/r"], "--repository needs --password-file"],
    [["find"], "missing required argument 'pattern'"],
    [["diff", "newest"], "missing required argument 'new'"],
    [["cat", "etc/fstab"], "expected an absolute path"],
    [["file", "/x", "--to", ""], "expected a path"],
    [["file", "/x", "--to", "/"], "nothing can take the place of /"],
    [["file", "/x", "--missing", "--overwrite"], "contradict each other"],
    [["ls", "/x", "--overwrite"], "unknown option"],
  ])("%s is refused", (words, message) => {
    expect(read("restore", ...words)).toMatchObject({
      kind: "usage",
      message: expect.stringContaining(message),
    });
  });
});

const facts = { uid: 1000, gid: 33, size: 12_345, links: 1, changed: new Date("2026-11-01T02:03:04Z") };
const captured = pointAged(1);
const choice = choosePoint([captured], {});

describe("what is printed of files", () => {
  it("is a listing such as ls gives, in which no name is obeyed by a terminal", () => {
    const entries = [
      { name: "odd\n\u001b[2J\u202ename", kind: "file", mode: 0o4755, ...facts },
      { name: "link", kind: "link", mode: 0o777, target: "/etc/\u0007x", ...facts, links: 12 },
    ] as const;
    expect(shown((out) => printListing(entries, "Europe/Berlin", out))).toBe(
      "-rwsr-xr-x  1 1000 33 12345 2026-11-01 03:03 odd\\u{a}\\u{1b}[2J\\u{202e}name\n" +
        "lrwxrwxrwx 12 1000 33 12345 2026-11-01 03:03 link -> /etc/\\u{7}x\n",
    );
    expect(modeText({ kind: "directory", mode: 0o1776 })).toBe("drwxrwxrwT");
    expect(modeText({ kind: "pipe", mode: 0o2640 })).toBe("prw-r-S---");
    expect(printable("äöü 字")).toBe("äöü 字");
  });

  it("is a plan that says of which volumes copies are made, and why", () => {
    const [first] = captured.snapshots;
    const plan = planRestore(
      captured,
      { volumes: [first?.volumeId ?? ""], type: "gp3", label: "run-0" },
      {
        instance,
        attached: [],
        taken: [],
        snapshots: captured.snapshots,
        facts: { region: "eu-central-1", account: "1", now: captured.captured, keys: new Map() },
        digest,
      },
    );
    const way = {
      volumes: [first?.volumeId ?? ""],
      paths: ["/x", "/srv/x"],
      because: "/srv rests on it now",
      plan,
    };
    const given = { path: "/srv/x", choice, ways: [way, way], to: "/srv/x.from-1", zone: "UTC" };
    const text = shown((out) => printFilesPlan(given, out));
    expect(text).toContain("because  /srv rests on it now");
    expect(text).toContain(`If it is not there, a copy of ${first?.volumeId} for a while`);
    expect(text).toContain("/x or /srv/x");
  });

  it("is where the copy is, and what was left as it was", () => {
    const kept = Array.from({ length: 12 }, (_, index) => `x/${index}`);
    const copied = { to: "/srv/y", bytes: 2048, entries: 1, continued: true, kept, notes: ["a note"] };
    const text = shown((out) => printCopied("/srv/x", copied, captured, "UTC", out));
    expect(text).toContain("1 entry, 2.0 KiB, of which an earlier command had made a part");
    expect(text).toContain("and 2 more");
    expect(text).toContain("a note");
  });
});
