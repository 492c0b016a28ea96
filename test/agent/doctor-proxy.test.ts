import { mkdirSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import path from "node:path";
import { expect, test, vi } from "vitest";
import { connectProxy, type ProxyWish } from "../fakes/connect-proxy.ts";
import { listening } from "../fakes/listening.ts";
import { healthyHost, type Patient } from "./doctor-host.ts";

/** A host whose shell has a proxy; EC2 itself is asked past it. */
async function behind(wish: ProxyWish, more: Record<string, string> = {}) {
  const patient = await healthyHost();
  const to = await listening(createServer());
  const proxy = await connectProxy({ to, ...wish });
  vi.stubEnv("HTTPS_PROXY", `http://me:hush-hush@127.0.0.1:${proxy.port}`);
  for (const [name, value] of Object.entries(more)) vi.stubEnv(name, value);
  return { patient, proxy };
}

async function found(patient: Patient) {
  const { findings } = await patient.examine();
  expect(JSON.stringify(findings)).not.toContain("hush-hush");
  return findings.filter(({ check }) => check === "proxy");
}

function dropIn({ root }: Patient): void {
  const folder = path.join(root, "etc/systemd/system/ec2-backup.service.d");
  mkdirSync(folder, { recursive: true });
  writeFileSync(path.join(folder, "proxy.conf"), "[Service]\nEnvironment=HTTPS_PROXY=http://proxy:3128\n");
}

test("a proxy that passes and is known to the service is no finding", async () => {
  const { patient, proxy } = await behind({});
  dropIn(patient);
  expect(await found(patient)).toEqual([]);
  expect(proxy.asked.map(({ target }) => target)).toEqual(["ec2.eu-central-1.amazonaws.com:443"]);
});

test("a proxy may stand in a file that the unit names", async () => {
  const { patient } = await behind({});
  for (const [file, text] of [
    [
      "etc/systemd/system/ec2-backup-.service.d/proxy.conf",
      "[Service]\nEnvironmentFile=-/etc/ec2-backup/p\n",
    ],
    ["etc/ec2-backup/p", "https_proxy=http://proxy:3128\n"],
  ] as const) {
    mkdirSync(path.dirname(path.join(patient.root, file)), { recursive: true });
    writeFileSync(path.join(patient.root, file), text);
  }
  expect(await found(patient)).toEqual([]);
});

test("a proxy that does not pass is an error, and one that only this shell knows a warning", async () => {
  const { patient, proxy } = await behind({ answer: 403 });
  expect(await found(patient)).toMatchObject([
    {
      severity: "error",
      kind: "unreachable",
      what: `the proxy http://127.0.0.1:${proxy.port} does not connect to ec2.eu-central-1.amazonaws.com:443 (403)`,
    },
    { severity: "warning", what: expect.stringContaining("this shell only") },
  ]);
});

test("that others would ask a proxy for the metadata is a note", async () => {
  const { patient, proxy } = await behind({});
  dropIn(patient);
  const { port } = new URL(patient.simulator.url);
  vi.stubEnv("HTTP_PROXY", proxy.url);
  vi.stubEnv("NO_PROXY", `127.0.0.1:${port}`);
  expect(await found(patient)).toMatchObject([
    { severity: "note", what: "NO_PROXY does not name 169.254.169.254" },
  ]);
  vi.stubEnv("NO_PROXY", `127.0.0.1:${port},169.254.0.0/16`);
  expect(await found(patient)).toEqual([]);
});
