import { createServer, request } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, test } from "vitest";
import type { Scenario } from "../../src/simulator/scenario.ts";
import { startSimulator } from "../../src/simulator/server.ts";
import { Bench } from "./bench.ts";
import { scenarioOf } from "./history.ts";

const accessKeys = [{ id: "AKIAPERSON0000000001", user: "person" }];
const there = "eu-west-1";

/** One address for several Regions: each request goes where its signature says. */
async function regions(urls: Readonly<Record<string, string>>, home: string) {
  const server = createServer((incoming, outgoing) => {
    const region = /Credential=[^/]+\/\d+\/([^/]+)\//.exec(incoming.headers.authorization ?? "")?.[1];
    const target = new URL(urls[region ?? ""] ?? urls[home] ?? "");
    const { method, url, headers } = incoming;
    const forward = request({ ...{ host: target.hostname, port: target.port, method, path: url, headers } });
    forward.on("response", (answer) => {
      outgoing.writeHead(answer.statusCode ?? 500, answer.headers);
      answer.pipe(outgoing);
    });
    forward.on("error", () => outgoing.destroy());
    incoming.pipe(forward);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** What a copier has left in the other Region of the points that are here. */
function copiesOf({ snapshots = [] }: Scenario): Scenario {
  const copies = snapshots.filter(({ tags }) => tags?.["ec2-backup:point"] !== undefined);
  return {
    region: there,
    accessKeys,
    limits: false,
    snapshots: copies.map(({ id = "", tags, volumeSize = 1 }, index) => ({
      id: id.replace("snap-0", "snap-c"),
      volumeId: "vol-ffffffff",
      volumeSize,
      startTime: new Date(Date.now() - index * 600_000).toISOString(),
      tags: { ...tags, Source_SnapshotId: id },
    })),
  };
}

test("points that were copied to another Region are listed, and how to bring one back is told", async () => {
  const scenario = { ...scenarioOf(2, 2, { limits: false, images: [] }), accessKeys };
  await using bench = await Bench.start(scenario);
  const other = await startSimulator({ scenario: copiesOf(scenario) });
  await using way = await regions(
    { "eu-central-1": bench.simulator.url, [there]: other.url },
    "eu-central-1",
  );
  const env = { AWS_ENDPOINT_URL: way.url, AWS_ACCESS_KEY_ID: "AKIAPERSON0000000001" };
  const restore = (...words: string[]) =>
    bench.execute(["--json", "--config", bench.config, "restore", ...words], {
      env: { ...env, AWS_SECRET_ACCESS_KEY: "secret" },
    });
  try {
    type Listed = { region?: string; points: { id: string; state: string; captured: string }[] };
    const ended = await restore("list", "--region", there);
    expect(ended.code, ended.stdout + ended.stderr).toBe(0);
    const away = JSON.parse(ended.stdout) as Listed;
    const here = JSON.parse((await restore("list")).stdout) as Listed;
    expect([away.region, here.region]).toEqual([there, undefined]);
    const brief = ({ points }: Listed) =>
      points.map(({ id, state, captured }) => [id, state, captured.slice(0, 16)]);
    expect(brief(away)).toEqual(brief(here));
    expect(away.points.map(({ state }) => state)).toEqual(["complete", "complete"]);

    const refused = await restore("volumes", "--region", there, "--yes");
    expect(refused.code).toBe(2);
    const copy =
      "aws ec2 copy-snapshot --region eu-central-1 --source-region eu-west-1 --source-snapshot-id snap-c";
    expect(refused.stdout).toContain(copy);
    const changing = [...bench.apiCalls(), ...other.control.calls()].filter(({ action }) =>
      /^(Create|Attach|Delete|Copy)/.test(action),
    );
    expect(changing).toEqual([]);
  } finally {
    await other.close();
  }
});
