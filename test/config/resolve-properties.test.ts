import fc from "fast-check";
import { expect, it } from "vitest";
import { stringify } from "yaml";
import { toLastGood } from "../../src/config/last-good.ts";
import { effectiveValues } from "../../src/config/print.ts";
import { fromLastGood } from "../../src/config/read-last-good.ts";
import { resolve } from "../../src/config/resolve.ts";
import { keepsAll } from "../../src/core/retention-policy.ts";
import { someConfig, someTags } from "./arbitraries.ts";
import { fileOf } from "./file-of.ts";

const maybeFile = fc.option(
  someConfig.map((config) => fileOf(stringify(config))),
  { nil: undefined },
);

it("no tags whatever make resolving throw or loosen a safety limit", () => {
  fc.assert(
    fc.property(maybeFile, someTags, (file, tags) => {
      const without = resolve({ file, tags: {} });
      const resolved = resolve({ file, tags });
      expect(resolved.settings).toEqual(without.settings);
      expect(resolved.jobs.length).toBe(without.jobs.length);
      for (const [index, job] of resolved.jobs.entries()) {
        const { schedule: _schedule, splay: _splay, retention, ...rest } = job;
        const { schedule: _below, splay: _spread, retention: below, ...same } = without.jobs[index]!;
        expect(rest).toEqual(same);
        expect(retention.shrinkDelay).toBe(below.shrinkDelay);
        expect([retention.timezone, retention.demanded]).toEqual([below.timezone, below.demanded]);
        // A tag can make a policy that removes, but never one without a floor.
        if (JSON.stringify(retention) === JSON.stringify(below)) continue;
        expect(keepsAll(retention)).toBe(false);
        expect(retention.counts.minimum).toBeGreaterThanOrEqual(1);
      }
    }),
    { numRuns: 300 },
  );
});

it("every value in force has its origin on record", () => {
  fc.assert(
    fc.property(maybeFile, someTags, fc.boolean(), (file, tags, all) => {
      const resolved = resolve({ file, tags, flags: { all } });
      for (const { path, origin } of effectiveValues(resolved)) {
        // Built-in values of outputs and notices are made where they are used.
        const lazy = /^(metrics|notify)\./.test(path) && origin === "built-in";
        if (!lazy) expect(resolved.origins[path], path).toBeTypeOf("string");
      }
    }),
  );
});

it("a good configuration comes back from the state file as it was", () => {
  fc.assert(
    fc.property(
      maybeFile,
      someTags,
      fc.date({ noInvalidDate: true, min: new Date(0) }),
      (file, tags, asOf) => {
        const resolved = resolve({ file, tags });
        const kept = toLastGood(resolved, asOf);
        expect(kept === undefined).toBe(resolved.faults.length > 0);
        if (kept === undefined) return;
        const { jobs, settings } = resolved;
        expect(fromLastGood(JSON.parse(JSON.stringify(kept)))).toEqual({ asOf, jobs, settings });
      },
    ),
  );
});

it("nothing that could stand in a state file makes reading it throw", () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      expect(fromLastGood(value)).toBeUndefined();
    }),
  );
});
