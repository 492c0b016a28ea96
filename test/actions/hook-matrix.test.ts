import { chmod } from "node:fs/promises";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { type HookUse, quiesced } from "../../src/actions/quiesce.ts";
import type { CommandHookConfig } from "../../src/core/hook-config.ts";
import { commandHook } from "../../src/hooks/command.ts";
import { systemClock } from "../../src/host/clock.ts";
import { journalOf, type ProgramName, program, programs } from "../hooks/programs.ts";
import { folder, isLinux } from "../host/places.ts";

const facts = { job: "default", run: "run-1", trigger: "manual", instanceId: "i-1", volumes: ["vol-1"] };
const nothing = () => Promise.resolve();

/** Three hooks of real programs, of which the second has a `before` as wished; and what ran, in order. */
async function around(middle: ProgramName, onFailure: "abort" | "continue", slow: boolean) {
  const directory = await folder();
  await chmod(directory, 0o755);
  const journal = path.join(directory, "journal");
  const hook = async (name: string, before: ProgramName): Promise<HookUse> => {
    const config: CommandHookConfig = {
      kind: "command",
      name,
      before: [await program(before, directory), `${name} before`],
      after: [await program("succeeds", directory), `${name} after`],
      env: { JOURNAL: journal },
      timeout: slow && name === "second" ? 400 : 10_000,
      onFailure: name === "second" ? onFailure : "abort",
    };
    const kill = (pid: number, signal: NodeJS.Signals | 0) => void process.kill(pid, signal);
    return { hook: commandHook(config, { uid: process.getuid?.(), kill, grace: 200, drain: 100 }) };
  };
  const uses = [
    await hook("first", "succeeds"),
    await hook("second", middle),
    await hook("third", "succeeds"),
  ];
  const tools = {
    clock: systemClock,
    facts,
    rehearse: nothing,
    lookAgain: nothing,
    lookBack: nothing,
    warm: nothing,
    sync: nothing,
    enough: () => undefined,
  };
  let captures = 0;
  const quiet = await quiesced(uses, tools, new AbortController().signal, async () => {
    captures += 1;
    return "point";
  });
  return { quiet, captures, ran: await journalOf(journal) };
}

const head = ["first before", "second before"];
const whole = [...head, "third before", "third after", "second after", "first after"];

describe.runIf(isLinux).each(["abort", "continue"] as const)(
  "three hooks, the second with onFailure %s",
  (onFailure) => {
    test.each(programs)("and a before that $name", async ({ name, succeeds }) => {
      const { quiet, captures, ran } = await around(name, onFailure, !succeeds);
      const goesOn = succeeds || onFailure === "continue";
      // What fails has no after of its own; what comes later is not even begun after an abort.
      const withoutSecond = [...head, "third before", "third after", "first after"];
      expect(ran).toEqual(succeeds ? whole : goesOn ? withoutSecond : [...head, "first after"]);
      expect(captures).toBe(goesOn ? 1 : 0);
      expect(quiet.records.map(({ outcome }) => outcome)).toEqual([
        "held",
        succeeds ? "held" : "failed",
        goesOn ? "held" : "not-tried",
      ]);
      expect(quiet.problems).toHaveLength(!succeeds && goesOn ? 1 : 0);
      expect(quiet.value).toBe(goesOn ? "point" : undefined);
    });
  },
);
