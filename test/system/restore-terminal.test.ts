import { readFile } from "node:fs/promises";
import path from "node:path";
import { stripVTControlCharacters } from "node:util";
import { expect, test } from "vitest";
import { need } from "../host/places.ts";
import { AtTerminal, terminalCan, terminalNeed } from "./at-terminal.ts";
import { agent, Bench } from "./bench.ts";
import { scenarioOf } from "./history.ts";
import { loopDisksCan, loopDisksNeed } from "./loop-disks.ts";
import { dataVolume, ReplaceHost } from "./replace-host.ts";
import { RestoreHost } from "./restore-host.ts";
import { Machines, source } from "./restore-machines.ts";

const bench = () => Bench.start(scenarioOf(2, 3, { limits: false, images: [] }));

function sit(at: Bench, ...words: readonly string[]): AtTerminal {
  return sitBefore(at, "volumes", ...words);
}

function sitBefore(at: Bench, ...words: readonly string[]): AtTerminal {
  const command = [process.execPath, agent, "--config", at.config, "restore", ...words];
  return new AtTerminal(command, {
    ...at.simulator.environment,
    STATE_DIRECTORY: at.state,
    RUNTIME_DIRECTORY: path.join(at.folder, "run"),
  });
}

const changing = (at: Bench) =>
  at.apiCalls().filter(({ action }) => !/^(Describe|Get|List|Assume)/.test(action));

test("at a terminal a point is chosen, the plan is asked about, and without a yes nothing is done", async (context) => {
  need(context, terminalCan, terminalNeed);
  await using at = await bench();
  await using person = sit(at);
  await person.sees("> ");
  person.type("nothing-like-it\n");
  await person.sees("No point has nothing-like-it.");
  await person.sees("> ");
  person.type("2\n");
  await person.sees("it was chosen from the list");
  await person.sees("Do this? [y/N] ");
  person.type("\n");
  await person.sees("Nothing has been done.");
  expect(await person.end()).toBe(0);
  expect(changing(at)).toEqual([]);
  for (const line of stripVTControlCharacters(person.text).split("\n"))
    expect(line.length, line).toBeLessThanOrEqual(80);
});

test.skipIf(!terminalCan && process.env["CI"] === undefined).each([
  ["Ctrl-C in the list", "\u0003", [], "> ", 130],
  ["Ctrl-D in the list", "\u0004", [], "> ", 64],
  ["Ctrl-C at the plan", "\u0003", ["--at", "1h ago"], "[y/N] ", 130],
  ["Ctrl-D at the plan", "\u0004", ["--at", "1h ago"], "[y/N] ", 0],
])("%s leaves with nothing done", async (_, key, words, until, code) => {
  if (!terminalCan) expect.fail(terminalNeed);
  await using at = await bench();
  await using person = sit(at, ...words);
  await person.sees(until);
  person.type(key);
  expect(await person.end(), person.text).toBe(code);
  expect(changing(at)).toEqual([]);
});

test("nobody is asked for a dry run, for JSON, or where stdin or stdout is no terminal", async (context) => {
  need(context, terminalCan, terminalNeed);
  await using at = await bench();
  const shell = `exec "$0" "$@" </dev/null`;
  const command = [process.execPath, agent, "--config", at.config, "restore", "volumes"];
  for (const [words, found] of [
    [[...command, "--dry-run"], "add --yes"],
    [[...command, "--json"], '"exitCode":0'],
    [["sh", "-c", shell, ...command], "add --yes"],
  ] as const) {
    await using person = new AtTerminal(words, {
      ...at.simulator.environment,
      STATE_DIRECTORY: at.state,
    });
    expect(await person.end(), person.text).toBe(0);
    expect(person.text).toContain(found);
    expect(person.text).not.toMatch(/\[y\/N\]|search for/);
  }
});

test("with a yes it is done, and undone", async (context) => {
  need(context, terminalCan && loopDisksCan, `${terminalNeed}; ${loopDisksNeed}`);
  await using host = await RestoreHost.start();
  {
    await using person = sit(host.bench, "--mount", host.mountedAt);
    await person.sees("Enter: 1, the newest complete one");
    await person.sees("> ");
    person.type("\n");
    await person.sees("[y/N] ");
    expect(await host.made()).toEqual([]);
    person.type("y\n");
    await person.sees("The restore is finished.");
    expect(await person.end()).toBe(0);
    // The plan is shown once, before it is asked about.
    expect(person.text.split("it was chosen from the list")).toHaveLength(2);
  }
  expect(await readFile(path.join(host.mountedAt, "sentinel"), "utf8")).toBe("as it was\n");
  const id = /restore-[0-9a-f]{16}/.exec(JSON.stringify(await host.made()))?.[0] ?? "";
  await using person = sit(host.bench, "--undo", "--restore", id);
  await person.sees("would be detached and deleted");
  await person.sees("[y/N] ");
  person.type("yes\n");
  await person.sees("is detached and deleted");
  expect(await person.end()).toBe(0);
  expect(await host.made()).toEqual([]);
});

test("a volume is swapped after a yes, and swapped back", async (context) => {
  need(context, terminalCan && loopDisksCan, `${terminalNeed}; ${loopDisksNeed}`);
  await using host = await ReplaceHost.start();
  const there = async () => (await host.volume(dataVolume))?.attachments.length;
  {
    await using person = sitBefore(host.bench, "replace");
    await person.sees("> ");
    person.type("\n");
    await person.sees("Do this? [y/N] ");
    expect(await host.made()).toEqual([]);
    person.type("n\n");
    await person.sees("Nothing has been done.");
    expect(await person.end()).toBe(0);
  }
  {
    await using person = sitBefore(host.bench, "replace");
    await person.sees("> ");
    person.type("\n");
    await person.sees("[y/N] ");
    person.type("y\n");
    expect(await person.end(), person.text).toBe(0);
    expect(person.text.split("it was chosen from the list")).toHaveLength(2);
  }
  expect([await there(), (await host.made()).length]).toEqual([0, 1]);
  const id = (await host.made())[0]?.tags["ec2-backup:restore"] ?? "";
  await using person = sitBefore(host.bench, "replace", "--undo", "--restore", id);
  await person.sees(`${dataVolume} comes back to /dev/sdf`);
  await person.sees("[y/N] ");
  person.type("y\n");
  expect(await person.end(), person.text).toBe(0);
  expect(await there()).toBe(1);
});

test.skipIf(process.env["SOAK"] === undefined)(
  "a swap whose terminal is lost in the middle is taken back (SOAK=1; by SIGHUP alone in replace-deaths)",
  async (context) => {
    need(context, terminalCan && loopDisksCan, `${terminalNeed}; ${loopDisksNeed}`);
    await using host = await ReplaceHost.start();
    const { control } = host.bench.simulator;
    const places = async () =>
      (await host.volumes()).flatMap(({ id, attachments }) =>
        attachments.some(({ device }) => device === "/dev/sdf") ? [id] : [],
      );
    await using person = sitBefore(host.bench, "replace");
    await person.sees("> ");
    person.type("\n");
    await person.sees("[y/N] ");
    control.faults([{ kind: "hang", action: "AttachVolume", dryRun: false }]);
    person.type("y\n");
    const hit = () => control.calls().some(({ outcome }) => outcome?.code === "hang");
    await expect.poll(() => (hit() ? "hit" : person.text), { timeout: 60_000 }).toBe("hit");
    expect(await places(), person.text).toEqual([]);
    await person.lose();
    await expect.poll(places, { timeout: 60_000 }).toEqual([dataVolume]);
    const again = async () => (await host.replace(["--undo"])).code;
    await expect.poll(again, { timeout: 60_000, message: "it ends" }).toBe(0);
  },
);

test("an instance is made after a yes", async (context) => {
  need(context, terminalCan, terminalNeed);
  await using on = await Machines.start();
  await using person = sitBefore(on.bench, "instance", "--instance", source.id, "--no-user-data");
  await person.sees("> ");
  person.type("\n");
  await person.sees("A new instance of point");
  await person.sees("[y/N] ");
  expect((await on.made()).machines).toEqual([]);
  person.type("y\n");
  expect(await person.end(), person.text).toBe(0);
  expect((await on.made()).machines).toHaveLength(1);
  expect(person.text.split("A new instance of point")).toHaveLength(2);
});
