import { expect, test } from "vitest";
import type { Around } from "../../src/agent/around.ts";
import { pinging } from "../../src/agent/pinging.ts";
import { defaultSettings } from "../../src/config/defaults.ts";
import type { RunReport } from "../../src/core/report.ts";
import { problem, report } from "../core/reports.ts";
import { type Answer, pingService } from "../fakes/ping-service.ts";

const run = "0192d3c4-0000-7000-8000-000000000000";
const failed: RunReport = report({ run, outcome: "failed", problems: [problem("denied")] });

async function pingingTo(answer: Answer | undefined, timeout = 2_000) {
  const service = await pingService(answer);
  const around = {
    settings: defaultSettings,
    version: "1",
    run,
    jobs: ["default"],
    capture: true,
    self: { env: {}, uid: process.getuid?.() },
  } as unknown as Around;
  return { service, ping: pinging({ url: service.url, timeout }, around) };
}

test("the end waits for a slow beginning, so that no service waits for an end that has been", async () => {
  const order: string[] = [];
  const { ping, service } = await pingingTo(({ path }, response) => {
    order.push(`${path} heard`);
    setTimeout(
      () => {
        order.push(`${path} answered`);
        response.end();
      },
      path.endsWith("/start") ? 300 : 0,
    );
  });
  ping.began("default");
  await ping.listener.tell(failed);
  expect(order).toEqual(
    ["start heard", "start answered", "fail heard", "fail answered"].map((one) => `/hush-hush/${one}`),
  );
  expect(service.heard.map(({ rid }) => rid)).toEqual([run, run]);
});

test("a service that never answers holds a run no longer than the timeout, however short the run was", async () => {
  const { ping, service } = await pingingTo(() => undefined, 3_000);
  ping.began("default");
  const began = performance.now();
  await expect(ping.listener.tell(failed)).rejects.toMatchObject({ code: "TimeoutError" });
  expect(performance.now() - began).toBeLessThan(4_300);
  expect(service.heard.at(-1)?.path).toBe("/hush-hush/fail");
});

test("a beginning that was not heard is complained of, but the end is sent all the same", async () => {
  const { ping, service } = await pingingTo(({ path }, response) => {
    response.statusCode = path.endsWith("/start") ? 404 : 200;
    response.end();
  });
  ping.began("default");
  await expect(ping.listener.tell(failed)).rejects.toMatchObject({
    doing: "ping the URL of notify.ping (start)",
    found: "the answer 404",
  });
  expect(service.heard.map(({ path }) => path)).toEqual(["/hush-hush/start", "/hush-hush/fail"]);
});

test("a run that came to no beginning, such as one that did not find its instance, still fails aloud", async () => {
  const { ping, service } = await pingingTo(undefined);
  await ping.listener.tell(failed);
  expect(service.heard.map(({ path }) => path)).toEqual(["/hush-hush/fail"]);
});
