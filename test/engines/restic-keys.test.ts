import { readFileSync, writeFileSync } from "node:fs";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { folder } from "../host/places.ts";
import { roleCredentials } from "../simulator/role-credentials.ts";
import { instance, simulate, volumes } from "../simulator/simulate.ts";
import { cheapenOf, configured } from "../system/stores/kinds.ts";
import { needRestic, oneRestic } from "../system/stores/restics.ts";
import { everything } from "../system/stores/s3/access.ts";
import { S3Server } from "../system/stores/s3-server.ts";
import { failureIn, filesOrder, never, quiet, Stage } from "./restic-stage.ts";

beforeEach(() => {
  for (const name of ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"])
    vi.stubEnv(name, undefined);
  vi.stubEnv("AWS_CONFIG_FILE", "/dev/null");
  vi.stubEnv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null");
});
afterEach(() => void vi.unstubAllEnvs());

/** A restic that writes down its environment, and says what it must never say. */
async function told(url: string, more: object = {}) {
  const place = new Stage(await folder(), "/bin/true");
  const program = place.fake(
    "restic",
    `env > "$HOME/env"; echo "Fatal: $AWS_SECRET_ACCESS_KEY is wrong" >&2; exit 1`,
  );
  const store = await place.open(place.config("store", { url, program, ...more }));
  const failure = await failureIn(store.snapshots([], never));
  const read = () =>
    Object.fromEntries(
      readFileSync(place.at("env"), "utf8")
        .split("\n")
        .map((line) => [line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1)]),
    );
  return { place, failure, read };
}

test("restic gets the keys of the instance's role, for S3 alone, and nobody is told them", async () => {
  const simulation = await simulate({ instances: [{ id: instance }], volumes: volumes(1) });
  vi.stubEnv("AWS_EC2_METADATA_SERVICE_ENDPOINT", simulation.simulator.url);
  const keys = await roleCredentials(simulation.simulator);
  const { failure, read } = await told("s3:https://s3.example.com/bucket");
  expect(read()).toMatchObject({
    AWS_ACCESS_KEY_ID: keys.accessKeyId,
    AWS_SECRET_ACCESS_KEY: keys.secretAccessKey,
    AWS_SESSION_TOKEN: keys.sessionToken,
  });
  expect(failure.message).toContain("*** is wrong");
  const other = await told("/a/directory");
  expect(Object.keys(other.read()).filter((name) => name.startsWith("AWS_"))).toEqual([]);
});

test.for(oneRestic())(
  "with no keys but those of the instance's role $name restic makes a repository on S3, saves and lists",
  async (restic, context) => {
    const place = new Stage(await folder(), needRestic(context, restic));
    const simulation = await simulate({
      clock: { start: new Date().toISOString(), speed: 0 },
      instances: [{ id: instance }],
      volumes: volumes(1),
    });
    const { accessKeyId } = await roleCredentials(simulation.simulator);
    await using server = await S3Server.start({ [accessKeyId]: { policy: everything } });
    const served = { ...server.repository("bucket"), environment: {} };
    const config = await configured(served, "store", place.directory);
    vi.stubEnv("AWS_EC2_METADATA_SERVICE_ENDPOINT", simulation.simulator.url);
    const store = await place.open({ ...config, program: place.program });
    expect(store.config.environmentFile).toBeUndefined();
    await store.init(never);
    await cheapenOf(server, { ...config, name: "bucket" });
    const { id } = await store.saveFiles(filesOrder("p", [place.tree("tree")]), quiet, never);
    expect(await store.snapshots([], never)).toMatchObject([{ id }]);
    // The owner's key, which only the test has, made the password cheap.
    const asked = (await server.requests()).filter(({ accessKey }) => accessKey !== S3Server.owner);
    expect([...new Set(asked.map(({ accessKey }) => accessKey))]).toEqual([accessKeyId]);
    expect(asked.filter(({ method, status }) => method === "PUT" && status === 200).length).toBeGreaterThan(
      4,
    );
  },
);

test("keys of the environment file go before any others", async () => {
  const place = new Stage(await folder(), "/bin/true");
  const environmentFile = place.at("keys");
  writeFileSync(environmentFile, `AWS_ACCESS_KEY_ID=theirs\nexport AWS_SECRET_ACCESS_KEY="their secret"\n`, {
    mode: 0o600,
  });
  vi.stubEnv("AWS_ACCESS_KEY_ID", "ours");
  vi.stubEnv("AWS_SECRET_ACCESS_KEY", "our secret");
  const { failure, read } = await told("s3:https://s3.example.com/bucket", { environmentFile });
  expect(read()).toMatchObject({ AWS_ACCESS_KEY_ID: "theirs", AWS_SECRET_ACCESS_KEY: "their secret" });
  expect(failure.message).not.toContain("their secret");
});

test("without any keys nothing is started, and this says where they may come from", async () => {
  vi.stubEnv("AWS_EC2_METADATA_DISABLED", "true");
  const { failure } = await told("s3:https://s3.example.com/bucket");
  expect(failure).toMatchObject({
    kind: "denied",
    code: "NoCredentials",
    remedy: expect.stringContaining("role"),
  });
});
