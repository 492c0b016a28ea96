import { describe, expect, test } from "vitest";
import { marked } from "../../../src/core/install/mark.ts";
import type { InstallFacts, InstallKind, InstallStep } from "../../../src/core/install/words.ts";
import { digest, factsOf, hostAfter, plan, schedulerAt, units } from "./facts.ts";

const script = "/etc/cron.daily/ec2-backup";
const kinds = ["daemon", "timer", "cron-daily"] as const;
const nameOf = { daemon: "ec2-backup.service", timer: "ec2-backup-run.timer", "cron-daily": script };

/** A host on which this kind was installed. */
const installed = (kind: InstallKind, facts = factsOf()): InstallFacts =>
  hostAfter(plan({ kind }, facts), facts);
const short = (steps: readonly InstallStep[]): string[] =>
  steps.map((step) =>
    [step.do, "path" in step ? step.path : "unit" in step ? step.unit : ""].join(" ").trim(),
  );
const what = (facts: InstallFacts, wish: Parameters<typeof plan>[0]): string[] =>
  plan(wish, facts).obstacles.map((one) => `${one.what} | ${one.command}`);

describe("what install is to do", () => {
  test("takes the daemon where the configuration says when, and systemd runs", () => {
    expect(plan({ scheduled: true }, factsOf())).toMatchObject({
      kind: "daemon",
      because: expect.stringMatching(/configuration says when/),
    });
    expect(plan({ scheduled: true }, factsOf({ systemd: false })).kind).toBe("cron-daily");
  });

  test("takes a timer where systemd runs, else cron, and says why", () => {
    expect(plan({}, factsOf())).toMatchObject({
      kind: "timer",
      because: expect.stringMatching(/systemd runs/),
    });
    const bare = plan({}, factsOf({ systemd: false }));
    expect([bare.kind, bare.because]).toEqual(["cron-daily", "systemd does not run here"]);
    expect(plan({ kind: "daemon" }, factsOf()).because).toBeUndefined();
  });

  test.each(kinds)("starts %s, and has nothing to do the second time", (kind) => {
    const facts = installed(kind);
    expect(facts.schedulers.map(({ name }) => name)).toEqual([nameOf[kind]]);
    expect(plan({ kind }, facts)).toMatchObject({ steps: [], obstacles: [] });
    // Nor if nobody says which.
    expect(plan({}, facts)).toMatchObject({ kind, steps: [], obstacles: [] });
  });

  test("uses the units of a package, and takes older ones of its own out of their way", () => {
    const all = Object.keys(units);
    const fresh = plan({ kind: "timer" }, factsOf({ packaged: all, program: ["/usr/bin/ec2-backup"] }));
    expect(short(fresh.steps)).toEqual(["write /etc/ec2-backup/config.yaml", "enable ec2-backup-run.timer"]);
    const before = installed("daemon");
    const upgraded = plan({ kind: "daemon" }, { ...before, packaged: all });
    expect(short(upgraded.steps)).toEqual([
      ...all.map((name) => `remove /etc/systemd/system/${name}`),
      "reload",
      "restart ec2-backup.service",
    ]);
  });

  test("writes a configuration only where there is none", () => {
    const files = { "/etc/ec2-backup/config.yaml": { text: "version: 1\n", by: "foreign" as const } };
    expect(short(plan({ kind: "cron-daily" }, factsOf({ files })).steps)).toEqual([`write ${script}`]);
    expect(plan({ kind: "cron-daily", overwrite: true }, factsOf({ files })).files[0]?.state).toBe(
      "unchanged",
    );
  });

  test("renews what it wrote and nobody changed, and starts it anew", () => {
    const older = installed("daemon", factsOf({ program: ["/old/node", "/old/dist/ec2-backup.js"] }));
    const renewed = plan({}, { ...older, program: factsOf().program });
    expect(new Set(renewed.files.map(({ state }) => state))).toEqual(new Set(["unchanged", "updated"]));
    expect(short(renewed.steps).slice(-2)).toEqual(["reload", "restart ec2-backup.service"]);
  });

  test("leaves what somebody changed or wrote, and says which, unless told otherwise", () => {
    const now = installed("timer");
    const file = "/etc/systemd/system/ec2-backup-run.timer";
    for (const text of [`${now.files[file]?.text}# mine\n`, "[Timer]\nOnCalendar=hourly\n"]) {
      const by = text.startsWith("#") ? ("changed" as const) : ("foreign" as const);
      const facts = { ...now, files: { ...now.files, [file]: { text, by } } };
      expect(what(facts, {})).toEqual([
        `${file} is not as install would write it, and somebody else has written or changed it | ec2-backup install --overwrite`,
      ]);
      expect(plan({}, facts).steps).toEqual([]);
      expect(short(plan({ overwrite: true }, facts).steps)).toContain(`write ${file}`);
    }
  });
});

describe("a second scheduler", () => {
  test.each(kinds.flatMap((from) => kinds.filter((to) => to !== from).map((to) => [from, to] as const)))(
    "%s keeps %s away, and gives way to it when told",
    (from, to) => {
      const facts = installed(from);
      expect(what(facts, { kind: to })).toEqual([
        `${nameOf[from]} starts backups already | ec2-backup install --${to} --replace`,
      ]);
      expect(plan({ kind: to }, facts).steps).toEqual([]);
      const end = hostAfter(plan({ kind: to, replace: true }, facts), facts);
      expect(end.schedulers.map(({ name }) => name)).toEqual([nameOf[to]]);
      expect(end.unfinished).toBeUndefined();
    },
  );

  test.each(kinds.flatMap((from) => kinds.filter((to) => to !== from).map((to) => [from, to] as const)))(
    "is never none, wherever the switch from %s to %s dies, and the next install ends it",
    (from, to) => {
      const facts = installed(from);
      const switched = plan({ kind: to, replace: true }, facts);
      switched.steps.forEach((_, count) => {
        const dead = hostAfter(switched, facts, count);
        expect(dead.schedulers.length).toBeGreaterThan(0);
        if (count === 0) return;
        const next = plan({}, dead);
        expect(next.obstacles).toEqual([]);
        const end = hostAfter(next, dead);
        expect(end.schedulers.map(({ name }) => name)).toEqual([nameOf[to]]);
        expect(end.unfinished).toBeUndefined();
      });
    },
  );

  test("that install did not make has to be taken away by who did, also with --replace", () => {
    const schedulers = [schedulerAt("/etc/cron.d/backup:3")];
    expect(what(factsOf({ schedulers }), { replace: true })).toEqual([
      "/etc/cron.d/backup:3 starts backups already, and install did not make it | sed -i '3s/^/# /' /etc/cron.d/backup",
    ]);
    const process = { kind: "process" as const, name: "process 812", enabled: false, active: true };
    expect(what(factsOf({ schedulers: [process] }), { replace: true })[0]).toMatch(/\| kill 812$/);
  });

  test("that is a script which somebody changed stays, unless it may be lost", () => {
    const now = installed("cron-daily");
    const files = { ...now.files, [script]: { text: "#!/bin/sh\nec2-backup run\n", by: "foreign" as const } };
    expect(what({ ...now, files }, { kind: "timer", replace: true })).toEqual([
      `${script} would have to go, and somebody else has written or changed it | ec2-backup install --timer --replace --overwrite`,
    ]);
    expect(plan({ kind: "timer", replace: true, overwrite: true }, { ...now, files }).obstacles).toEqual([]);
  });

  test("gives way to none that systemd tries in vain to start", () => {
    const trying = { ...schedulerAt("ec2-backup.service"), state: "activating" };
    const facts = { ...installed("timer"), unfinished: { to: "daemon", away: [nameOf.timer] } as const };
    const tried = plan({}, { ...facts, schedulers: [...facts.schedulers, trying] });
    expect(short(tried.steps)).toEqual([
      "begin-switch",
      "enable ec2-backup.service",
      "disable ec2-backup-run.timer",
      "end-switch",
    ]);
  });

  test("that is enabled and has failed is one, too, and one that is neither enabled nor active is none", () => {
    const failed = { ...schedulerAt("ec2-backup.service"), active: false, state: "failed" };
    expect(what(factsOf({ schedulers: [failed] }), { kind: "timer" })).toHaveLength(1);
    const idle = { ...failed, enabled: false };
    expect(what(factsOf({ schedulers: [idle] }), { kind: "timer" })).toEqual([]);
  });
});

describe("what a host lacks", () => {
  test("is told all at once, and then nothing is done", () => {
    const facts = factsOf({ isRoot: false, systemd: false });
    expect(what(facts, { kind: "daemon" })).toEqual([
      "this user may not install | sudo ec2-backup install --daemon",
      "systemd does not run here | ec2-backup install --cron-daily",
    ]);
    expect(plan({ kind: "daemon" }, facts).steps).toEqual([]);
    expect(what(factsOf({ cronDaily: false }), { kind: "cron-daily" })).toEqual([
      "there is no /etc/cron.daily | ec2-backup install --timer",
    ]);
  });

  test("also where the service could not see the program", () => {
    const hidden = {
      "ec2-backup.service": "[Service]\nProtectHome=yes\nExecStart=/usr/bin/ec2-backup daemon\n",
    };
    const program = ["/root/.nvm/bin/node", "/root/agent/dist/ec2-backup.js"];
    const facts = factsOf({ units: hidden, program });
    expect(what(facts, { kind: "daemon" })[0]).toContain("the service sees nothing of /root");
    expect(what(factsOf({ program }), { kind: "daemon" })).toEqual([]);
  });
});

test("nothing is installed that others than root could exchange", () => {
  const place = { path: "/home/me/agent", expected: "", found: "the owner uid 1000" };
  const distrust = [
    { ...place, remedy: "chown root /home/me/agent" },
    { ...place, remedy: "" },
  ];
  for (const kind of kinds) {
    expect(plan({ kind, overwrite: true, replace: true }, factsOf({ distrust })).steps).toEqual([]);
    expect(what(factsOf({ distrust }), { kind })).toEqual([
      "others than root can exchange the program: /home/me/agent has the owner uid 1000 (and 1 more like it) | chown root /home/me/agent",
    ]);
  }
});

test("a mark tells who wrote a file, whatever its first line is", async () => {
  const { authorship } = await import("../../../src/core/install/mark.ts");
  for (const text of ["#!/bin/sh\necho\n", "[Unit]\nDescription=x\n", ""]) {
    const whole = marked(text, digest);
    expect(whole.startsWith(text.startsWith("#!") ? "#!/bin/sh\n" : "# sha256")).toBe(true);
    expect(authorship(whole, digest)).toBe("intact");
    expect(authorship(`${whole}\n`, digest)).toBe("changed");
    expect(authorship(text, digest)).toBe("foreign");
  }
});
