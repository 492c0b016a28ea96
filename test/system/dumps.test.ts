import { readFile } from "node:fs/promises";
import { describe, expect, it, vi } from "vitest";
import type { DumpStream } from "../../src/core/dump-config.ts";
import { sumOf } from "../hooks/dumping.ts";
import { isLinux } from "../host/places.ts";
import { killHalfWay, repositoryOf, shell, streamsOf } from "./dump-stage.ts";
import { oneRestic, restics } from "./stores/restics.ts";

// Real servers, beside other tests.
vi.setConfig({ testTimeout: 300_000 });

async function command(line: string, more: { readonly spool?: string; readonly timeout?: number } = {}) {
  const run = ["/bin/sh", "-c", line];
  const [stream] = await streamsOf({ kind: "command", name: "ldap", run, file: "ldap.ldif", ...more });
  return stream as DumpStream;
}

/** The same bytes each time, more than restic holds at once. */
const bytes = "seq 1 3000000";

/** Never done, and no more bytes than it takes to have always some on their way: restic reads all that comes. */
const endless = "while seq 1 20000; do sleep 0.02; done";

for (const restic of restics())
  describe.skipIf(!isLinux)(`the dump of a program into a repository of ${restic.name} restic`, () => {
    it("comes back as it was, straight and by way of a directory", async (context) => {
      const stage = await repositoryOf(context, restic);
      await shell(`${bytes} > '${stage.at("expected")}'`, {});
      for (const more of [{}, { spool: stage.at("spool") }]) {
        const stream = await command(bytes, more);
        const file = await stage.file(await stage.save(stream), stream);
        expect(await sumOf(file)).toBe(await sumOf(stage.at("expected")));
      }
    });
  });

for (const restic of oneRestic("a current"))
  describe.skipIf(!isLinux)(`the dump of a program into a repository of ${restic.name} restic`, () => {
    it("is no point when its program fails at the last byte, is killed, or takes too long", async (context) => {
      const stage = await repositoryOf(context, restic);
      for (const more of [{}, { spool: stage.at("spool") }]) {
        const last = await command(`${bytes}; exit 1`, more);
        await expect(stage.save(last)).rejects.toMatchObject({ found: /ended with 1/ });
        const killed = expect(stage.save(await command("exec yes", more))).rejects.toMatchObject({
          found: /ended by SIGKILL/,
        });
        await killHalfWay("yes");
        await killed;
        const late = await command(endless, { ...more, timeout: 1_000 });
        await expect(stage.save(late)).rejects.toMatchObject({ found: /not done after 1s/ });
        const left = await command("echo x; sleep 4716 &", more);
        await expect(stage.save(left)).rejects.toMatchObject({ found: /could still write/ });
        const stop = AbortSignal.timeout(1_000);
        await expect(stage.save(await command(endless, more), stop)).rejects.toMatchObject({
          kind: "interrupted",
        });
      }
      expect(await stage.count()).toBe(0);
      const whole = await command("echo whole");
      expect(await readFile(await stage.file(await stage.save(whole), whole), "utf8")).toBe("whole\n");
    });
  });
