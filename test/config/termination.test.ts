import { expect, test } from "vitest";
import { resolve } from "../../src/config/resolve.ts";
import { terminationOf, terminationValues, uselessJobs } from "../../src/config/termination-settings.ts";
import { fileOf } from "./file-of.ts";

const file = fileOf(`version: 1
repositories: { here: { url: /srv/restic, passwordFile: /etc/ec2-backup/here.password } }
jobs:
  nightly: {}
  papers: { volumes: none, files: { repository: here, paths: [/etc] } }
termination: { budget: 2m, jobs: [nightly, papers, gone] }
`);

test("a last capture has a minute and looks every five seconds, on instances that are given notice", () => {
  expect(terminationOf(undefined)).toEqual({ every: 5_000, budget: 60_000, jobs: [] });
});

test("what the file says of it is shown with its line, and the rest as built in", () => {
  const shown = terminationValues(file).map(({ path, value, origin }) => `${path} = ${value} (${origin})`);
  expect(shown).toEqual([
    "termination.capture = where a notice can come (built-in)",
    "termination.every = 5s (built-in)",
    "termination.budget = 2m (config.yaml:6)",
    "termination.jobs = nightly, papers, gone (config.yaml:6)",
  ]);
});

test("jobs that are not there or capture nothing are told", () => {
  const { jobs } = resolve({ tags: {}, file });
  expect(uselessJobs(file, jobs)).toEqual([
    "termination.jobs: the job papers captures no volumes",
    "termination.jobs: there is no job gone",
  ]);
});
