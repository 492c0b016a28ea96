import { readFileSync, writeFileSync } from "node:fs";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { folder } from "../host/places.ts";
import { roleCredentials } from "../simulator/role-credentials.ts";
import { instance, simulate, volumes } from "../simulator/simulate.ts";
import { failureIn, never, Stage } from "./restic-stage.ts";

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
