import { expect, test } from "vitest";
import { publish } from "../../src/actions/publish.ts";
import { concealer } from "../../src/core/conceal.ts";
import { systemClock } from "../../src/host/clock.ts";
import { problem, report } from "../core/reports.ts";

test("what a run found and what failed in the telling are concealed, for listeners and for the caller", async () => {
  const found = "no answer of http://backup:hunter22@db";
  const heard: unknown[] = [];
  const log = () => undefined;
  const run = report({ problems: [{ ...problem("unreachable"), found }] });
  const told = await publish(run, {
    log,
    dimensions: [],
    patience: {
      waits: { retryFor: 0, retryEvery: 1 },
      clock: systemClock,
      log,
      signal: new AbortController().signal,
    },
    conceal: concealer([]),
    record: async ({ problems }) => void heard.push(...problems),
    listeners: [{ doing: "tell somebody", tell: () => Promise.reject(new Error(found)) }],
  });
  const shown = { kind: "unreachable", found: "no answer of http://***@db" };
  expect(heard).toMatchObject([shown]);
  const deaf = { severity: "warning", doing: "tell somebody", found: "Error: no answer of http://***@db" };
  expect(told.problems).toMatchObject([shown, deaf]);
});
