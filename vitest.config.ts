import { defineConfig } from "vitest/config";

/** Tests that tell times of a second or less apart: they have the machine's two cores to themselves. */
const timed = [
  "test/system/{freeze,held,hold,late,syslog,thaw,window}*.test.ts",
  // It tells what others have mounted, too.
  "test/agent/doctor*.test.ts",
  "test/hooks/*.test.ts",
  "test/host/ping.test.ts",
  "test/log*.test.ts",
];

/** Pure functions, and nothing that a file could leave to the next: modules need not be loaded anew for each. */
const pure = ["test/core/*.test.ts"];

export default defineConfig({
  test: {
    // Real processes and servers on two cores: a test is slow when the machine is busy, not when it hangs.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    pool: "forks",
    projects: [
      {
        extends: true,
        test: { name: "timed", include: timed, maxWorkers: 2, sequence: { groupOrder: 0 } },
      },
      {
        extends: true,
        // These wait for a third of their time, so that three keep two cores busy.
        test: {
          name: "others",
          include: ["test/**/*.test.ts"],
          exclude: [...timed, ...pure],
          maxWorkers: 3,
          sequence: { groupOrder: 1 },
        },
      },
      {
        extends: true,
        test: { name: "pure", include: pure, isolate: false, maxWorkers: 3, sequence: { groupOrder: 1 } },
      },
    ],
  },
});
