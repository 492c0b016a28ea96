import { existsSync, readdirSync, readFileSync } from "node:fs";
import { symlink, unlink } from "node:fs/promises";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Simulator, startSimulator } from "../../src/simulator/server.ts";
import { need } from "../host/places.ts";
import { type Ended, Windows, windowsNode, wine } from "./wine.ts";

const agent = Windows.at(path.resolve(import.meta.dirname, "../../dist/ec2-backup.js"));
const instance = "i-0d3a0de0c0ffee001";
const folder = "ProgramData/ec2-backup";
const own = "what is not there on a machine without wine and the Node of Windows";

/**
 * A program in the place of one of Windows: the Node itself, to which `/L` is a script on the root of the disk. So
 * what is handed over goes the real way, and the script writes down what has arrived.
 */
async function stand(windows: Windows, name: string, node: string, first: string): Promise<() => string[][]> {
  const system = path.join(windows.c, "windows/system32", name);
  if (existsSync(system)) await unlink(system);
  await symlink(node, system);
  const record =
    `const fs = require("fs");\n` +
    `const given = process.argv.slice(2);\n` +
    `const file = given[given.indexOf("/XML") + 1];\n` +
    `if (given.includes("/XML")) fs.copyFileSync(file, "C:\\\\given.xml");\n` +
    `fs.appendFileSync("C:\\\\${first}.txt", JSON.stringify(given) + "\\n");\n`;
  await windows.write(`${first}.js`, record);
  const file = path.join(windows.c, `${first}.txt`);
  return () => {
    const lines = existsSync(file) ? readFileSync(file, "utf8").trimEnd().split("\n") : [];
    return lines.map((line) => JSON.parse(line) as string[]);
  };
}

describe("the agent on a Node of Windows, under wine", () => {
  let windows: Windows | undefined;
  let node: string | undefined;
  let simulator: Simulator;

  beforeAll(async () => {
    node = await windowsNode();
    if (wine !== undefined && node !== undefined) windows = await Windows.start(wine, node);
    simulator = await startSimulator({
      scenario: {
        limits: false,
        instances: [{ id: instance, name: "winbox", platform: "windows", rootDeviceName: "/dev/sda1" }],
        volumes: [
          { size: 30, attachments: [{ instance, device: "/dev/sda1" }] },
          { size: 100, attachments: [{ instance, device: "xvdf" }] },
        ],
      },
    });
  }, 120_000);

  afterAll(async () => {
    await windows?.[Symbol.asyncDispose]();
    await simulator.close();
  });

  const start = (...words: string[]) => {
    if (windows === undefined) throw new Error("no wine");
    return windows.node([agent, ...words], { ...simulator.environment });
  };
  const run = (...words: string[]): Promise<Ended> => start(...words).ended;
  const sets = () => simulator.control.calls().filter(({ action }) => action === "CreateSnapshots").length;

  test("starts, and takes the places of Windows for its files", async (context) => {
    need(context, windows !== undefined, own);
    expect(await run("--version")).toMatchObject({ code: 0, stderr: "" });
    await windows?.write(
      `${folder}/config.yaml`,
      "version: 1\njobs: { default: { vss: full, hooks: [{}] } }\n",
    );
    const bad = await run("check-config", "--no-color");
    expect(bad.code).toBe(78);
    expect(bad.stdout + bad.stderr).toContain("config.yaml:2");
    await windows?.write(
      `${folder}/config.yaml`,
      "version: 1\njobs: { default: { retention: { daily: 3 } } }\n",
    );
    const good = await run("check-config", "--no-color");
    expect(good).toMatchObject({ code: 0 });
    expect(good.stdout).toContain("The configuration is good.");
    // PowerShell is a stub here: what it does not say is not taken for a yes.
    expect(good.stderr).toContain(
      "who can write the configuration was not checked: PowerShell: it printed nothing",
    );
  });

  test("plans, and makes a point that the state remembers", async (context) => {
    need(context, windows !== undefined, own);
    const nightly = "version: 1\njobs: { default: { retention: { daily: 3 } } }\n";
    await windows?.write(`${folder}/config.yaml`, nightly);
    const plan = await run("plan", "--no-color");
    expect(plan.code, plan.stderr).toBe(0);
    expect(plan.stdout).toContain("doubt: the drive letters cannot be told: PowerShell: it printed nothing");
    expect(sets()).toBe(0);
    const done = await run("run", "--json");
    expect(done.code, done.stderr).toBe(0);
    expect(JSON.parse(done.stdout)).toMatchObject({ exitCode: 0 });
    expect(sets()).toBe(1);
    const state = path.join(windows?.c ?? "", folder, "state", instance);
    expect(readdirSync(state)).toContain("job-default.json");
    expect(readdirSync(state).filter((name) => name.endsWith(".new"))).toEqual([]);
    if (process.env["SOAK"] !== "1") return;
    expect((await run("status", "--no-color")).stdout).toContain("done");
    const doctor = await run("doctor", "--no-color");
    expect(doctor.stderr).not.toContain("defect");
    expect([0, 1, 2]).toContain(doctor.code);
  }, 120_000);

  test("a second run of the job is kept out, and no longer when the first is killed", async (context) => {
    need(context, windows !== undefined, own);
    if (windows === undefined) return;
    const script = Windows.at(path.join(import.meta.dirname, "hold-lock.ts"));
    const typed = ["--experimental-strip-types", "--no-warnings", script];
    const locks = "C:\\ProgramData\\ec2-backup\\state\\locks";
    const told = path.join(windows.c, "told.txt");
    const first = windows.node([...typed, locks, "C:\\told.txt", "110000"]);
    await expect.poll(() => existsSync(told), { timeout: 60_000 }).toBe(true);
    expect(readFileSync(told, "utf8")).toBe("held");
    const second = await run("run", "--all");
    expect(second.code, second.stderr).toBe(75);
    expect(second.stdout + second.stderr).toContain("default.lock");
    first.kill();
    await first.ended;
    await windows.node([...typed, locks, "C:\\told.txt", "1"]).ended;
    expect(readFileSync(told, "utf8")).toBe("held");
  }, 120_000);

  test("VSS makes an application-consistent point", async (context) => {
    need(context, windows !== undefined, own);
    await windows?.write(`${folder}/config.yaml`, "version: 1\njobs: { vss: { vss: full } }\n");
    const before = sets();
    const done = await run("run", "--json");
    expect(done.code, done.stdout).toBe(0);
    const { reports } = JSON.parse(done.stdout) as { reports: { points: { consistency: string }[] }[] };
    expect(reports[0]?.points[0]?.consistency).toBe("application");
    expect(sets()).toBe(before);
    expect((await run("list", "--no-color")).stdout).toContain("application");
  });

  test("an eventcreate.exe that refuses keeps no run from its work, and that is told", async (context) => {
    need(context, windows !== undefined && node !== undefined, own);
    if (windows === undefined || node === undefined) return;
    // To Node, which stands in its place, `/L` is a script that is not there.
    await stand(windows, "eventcreate.exe", node, "unused");
    const config = "version: 1\njobs: { default: {} }\nlog: { eventLog: true }\n";
    await windows.write(`${folder}/config.yaml`, config);
    const before = sets();
    const done = await run("run");
    expect(done.code, done.stderr).toBe(0);
    expect(sets()).toBe(before + 1);
    expect(done.stderr).toContain("the log's Windows event log fails");
    expect(done.stderr).toMatch(/Cannot find module '[A-Z]:\\L'/);
    expect(done.stderr).toContain("did not reach the Windows event log");
  }, 120_000);

  test("schtasks.exe is given the task in UTF-16, and words with spaces arrive whole", async (context) => {
    need(context, windows !== undefined && node !== undefined, own);
    if (windows === undefined || node === undefined) return;
    const created = await stand(windows, "schtasks.exe", node, "Create");
    const asked = await stand(windows, "schtasks.exe", node, "Query");
    const removed = await stand(windows, "schtasks.exe", node, "Delete");
    const script = Windows.at(path.join(import.meta.dirname, "register-task.ts"));
    const done = await windows.node(["--experimental-strip-types", "--no-warnings", script]).ended;
    expect(done.stdout, done.stderr).toBe("true true\n");
    expect(created()).toEqual([["/TN", "ec2-backup-run", "/XML", expect.stringMatching(/task\.xml$/), "/F"]]);
    expect(asked()).toEqual([
      ["/TN", "ec2-backup-run"],
      ["/TN", "ec2-backup-run"],
    ]);
    expect(removed()).toEqual([["/TN", "ec2-backup-run", "/F"]]);
    const xml = readFileSync(path.join(windows.c, "given.xml"));
    expect(xml.subarray(0, 2)).toEqual(Buffer.from([0xff, 0xfe]));
    expect(xml.toString("utf16le")).toContain('<Arguments>"C:\\a b\\x.js" run</Arguments>');
  });
});
