import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { resolve } from "../../src/config/resolve.ts";
import type { Job } from "../../src/core/job.ts";
import { lastJob, shareOf, takesVolumes, toPublish } from "../../src/core/last-job.ts";
import { fileOf } from "../config/file-of.ts";

const everything = `version: 1
repositories: { here: { url: /srv/restic, passwordFile: /etc/ec2-backup/here.password } }
jobs:
  whole:
    volumes: { root: true }
    image: weekly
    copy: [{ region: eu-west-1 }]
    files: { repository: here, paths: [/etc] }
    hooks:
      - command: { before: [/bin/true], timeout: 2h, onFailure: abort }
      - mysql: { onFailure: abort }
      - postgres: { timeout: 1h }
      - redis: {}
      - mongodb: {}
      - freeze: data
  strict: { whenLess: fail, consistency: application, hooks: [{ command: { before: [/bin/true], onFailure: abort } }] }
  windows: { vss: full }
  papers: { volumes: none, files: { repository: here, paths: [/etc] } }
`;

const jobs = resolve({ tags: {}, file: fileOf(everything) }).jobs;
const named = (name: string): Job => jobs.find((job) => job.name === name) ?? expect.fail(name);

describe("a job as a last run does it", () => {
  test("is its volumes alone, and nothing that is done for later", () => {
    const last = lastJob(named("whole"), shareOf(50_000, 1));
    expect(last).not.toHaveProperty("image");
    expect(last).not.toHaveProperty("copy");
    expect(last).not.toHaveProperty("stored");
    expect(last.hooks.map(({ kind }) => kind)).toEqual(named("whole").hooks.map(({ kind }) => kind));
    expect(lastJob(named("windows"), shareOf(50_000, 1))).not.toHaveProperty("vss");
  });

  test("is kept from its capture by no hook, unless it would rather have none", () => {
    const share = shareOf(50_000, 1);
    expect(lastJob(named("whole"), share).hooks.map(({ onFailure }) => onFailure)).not.toContain("abort");
    expect(lastJob(named("strict"), share).hooks.map(({ onFailure }) => onFailure)).toEqual(["abort"]);
  });

  test("waits for nothing longer than its share, whatever that is, and for nothing longer than before", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1_000, max: 1_800_000 }),
        fc.integer({ min: 1, max: 9 }),
        (left, count) => {
          const share = shareOf(left, count);
          expect(share.hold).toBeLessThan(share.whole);
          for (const job of jobs) {
            const last = lastJob(job, share);
            for (const key of ["request", "capture", "retryFor", "reconcileFor", "retryEvery"] as const) {
              expect(last.waits[key]).toBeLessThanOrEqual(share.whole - share.hold + 2_000);
              expect(last.waits[key]).toBeLessThanOrEqual(job.waits[key]);
            }
            for (const [index, hook] of last.hooks.entries())
              for (const key of ["timeout", "deadline", "lockWait"] as const) {
                const before = (job.hooks[index] as Partial<Record<typeof key, number>>)[key];
                const after = (hook as Partial<Record<typeof key, number>>)[key];
                if (before === undefined || after === undefined) continue;
                expect(after).toBeLessThanOrEqual(before);
                if (hook.kind !== "freeze") expect(after).toBeLessThanOrEqual(share.whole);
              }
          }
        },
      ),
    );
  });

  test("is none where it takes no volumes", () => {
    expect(jobs.filter(takesVolumes).map(({ name }) => name)).toEqual(["whole", "strict", "windows"]);
  });

  test("shares a minute so that the capture is sent in its first half, and somebody hears of it", () => {
    const left = 60_000 - toPublish(60_000);
    expect(shareOf(left, 1)).toEqual({ hold: 30_000, whole: 50_000 });
    expect(shareOf(left, 2)).toEqual({ hold: 15_000, whole: 25_000 });
  });
});
