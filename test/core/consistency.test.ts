import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { attainable, consistencyOf, demandOf, type HookOutcome, isLess } from "../../src/core/consistency.ts";

const data = { eligible: ["/data"], frozen: ["/data"], straddling: [] };
const nothingToFreeze = { eligible: [], frozen: [], straddling: [] };
const thawed = { ...data, frozen: [] };
const split = { eligible: ["/data", "/vg"], frozen: ["/data"], straddling: ["/vg"] };
const hook = (kind: HookOutcome["kind"], held = true): HookOutcome => ({ kind, held });

describe("the consistency of a point", () => {
  test.each([
    ["no hooks at all", [], data.frozen.length ? thawed : data, "crash"],
    ["every eligible mount frozen", [hook("freeze")], data, "filesystem"],
    ["a freeze that was lost", [hook("freeze", false)], thawed, "crash"],
    ["one of two mounts frozen", [hook("freeze")], { ...data, eligible: ["/data", "/more"] }, "crash"],
    ["a mount that also rests on a volume outside the set", [hook("freeze")], split, "crash"],
    ["a database and every mount", [hook("database"), hook("freeze")], data, "application"],
    ["a program and every mount", [hook("command"), hook("freeze")], data, "application"],
    ["a database that was lost", [hook("database", false), hook("freeze")], data, "filesystem"],
    ["one of two databases", [hook("database"), hook("database", false), hook("freeze")], data, "filesystem"],
    ["a database without the freeze", [hook("database")], thawed, "crash"],
    ["a database where nothing can be frozen", [hook("database")], nothingToFreeze, "application"],
    ["only a program where nothing can be frozen", [hook("command")], nothingToFreeze, "crash"],
    ["a program that failed there", [hook("command", false), hook("database")], nothingToFreeze, "crash"],
    [
      "a database beside a straddling mount alone",
      [hook("database")],
      { ...split, eligible: ["/vg"] },
      "crash",
    ],
  ] as const)("with %s", (_, hooks, mounts, expected) => {
    expect(consistencyOf(hooks, mounts)).toBe(expected);
  });

  test("never rises when a hook or a freeze is lost", () => {
    const outcomes = fc.array(
      fc.record({ kind: fc.constantFrom("command", "database", "freeze" as const), held: fc.boolean() }),
    );
    const paths = fc.subarray(["/a", "/b", "/c"]);
    fc.assert(
      fc.property(outcomes, paths, paths, paths, fc.nat(), (hooks, eligible, frozen, straddling, which) => {
        const mounts = { eligible, frozen, straddling };
        const before = consistencyOf(hooks, mounts);
        const lost = hooks.map((one, index) =>
          index === which % (hooks.length + 1) ? { ...one, held: false } : one,
        );
        expect(isLess(before, consistencyOf(lost, mounts))).toBe(false);
        expect(isLess(before, consistencyOf(hooks, { ...mounts, frozen: frozen.slice(1) }))).toBe(false);
        expect(
          isLess(
            attainable(
              hooks.map(({ kind }) => ({ kind: kind === "database" ? "mysql" : kind, before: "true" })),
              { ...mounts, frozen: eligible },
            ),
            before,
          ),
        ).toBe(false);
      }),
    );
  });
});

describe("what a job demands that does not say", () => {
  const freeze = { kind: "freeze" } as const;
  const before = { kind: "command", before: "true" } as const;
  const afterAlone = { kind: "command" } as const;

  test.each([
    [[], "crash"],
    [[freeze], "filesystem"],
    [[freeze, { kind: "redis" } as const], "application"],
    [[before, freeze], "application"],
    [[afterAlone, freeze], "filesystem"],
  ] as const)("%j: %s, also where nothing could be frozen tonight", (hooks, wanted) => {
    expect(demandOf(hooks, "crash", false)).toBe(wanted);
  });

  test("is what the others can give where there is nothing to freeze by nature", () => {
    expect(demandOf([{ kind: "mysql" }, freeze], "application", true)).toBe("application");
    expect(demandOf([freeze], "crash", true)).toBe("crash");
  });

  test("a command that runs nothing before the capture makes no point better", () => {
    const mounts = { eligible: ["/a"], frozen: ["/a"], straddling: [] };
    expect(attainable([afterAlone, freeze], mounts)).toBe("filesystem");
    expect(attainable([before, freeze], mounts)).toBe("application");
  });
});
