import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { debScripts, rpmScripts } from "../../.ci/packages/scripts.ts";
import { folder, isLinux, need } from "../host/places.ts";

const warning = "MAY BE FROZEN OR LOCKED STILL";

/** A script of a package, which finds a program that ends with `code`, and traces of a run or none. */
async function ended(script: string, word: string, code: number, traces = true) {
  const place = await folder();
  const at = (name: string): string => path.join(place, name);
  mkdirSync(at("run"));
  if (traces) writeFileSync(path.join(at("run"), "ledger"), "");
  const words = `echo "$@" >>${at("said")}; echo "what was thawed"; exit ${code}`;
  writeFileSync(at("agent"), `#!/bin/sh\n${words}\n`, { mode: 0o755 });
  writeFileSync(at("systemctl"), `#!/bin/sh\necho "$1" >>${at("said")}\n`, { mode: 0o755 });
  writeFileSync(at("said"), "");
  const own = script
    .replaceAll("/usr/bin/ec2-backup", at("agent"))
    .replaceAll("/run/ec2-backup", at("run"))
    .replaceAll("/run/systemd/system", place)
    .replaceAll("/etc/cron.daily/ec2-backup", at("none"));
  writeFileSync(at("script"), own);
  const env = { PATH: `${place}:/usr/bin:/bin` };
  const { status, stderr } = spawnSync("/bin/sh", [at("script"), word], { encoding: "utf8", env });
  const said = readFileSync(at("said"), "utf8").trim().split("\n");
  return { status, stderr, said };
}

test("a .deb goes only when nothing is left frozen", async (context) => {
  need(context, isLinux, "Linux");
  const { prerm } = debScripts(["ec2-backup.service"]);
  const good = await ended(prerm, "remove", 0);
  expect(good.said).toEqual(["--no-reload", "stop", "thaw --leftovers"]);
  expect(good).toMatchObject({ status: 0, stderr: "what was thawed\n" });
  const failed = await ended(prerm, "remove", 2);
  expect(failed.status).toBe(1);
  expect(failed.stderr).toMatch(new RegExp(`^what was thawed[\\s\\S]*${warning}[\\s\\S]*the package stays`));
  expect(await ended(prerm, "upgrade", 2)).toMatchObject({ status: 0, stderr: "", said: [""] });
  // A program that cannot start must not keep its package for ever.
  expect(await ended(prerm, "remove", 127, false)).toMatchObject({ status: 0, stderr: "" });
});

test("a .rpm warns of what is left frozen, and goes", async (context) => {
  need(context, isLinux, "Linux");
  const { preun } = rpmScripts(["ec2-backup.service"]);
  expect((await ended(preun, "0", 0)).said).toEqual(["--no-reload", "stop", "thaw --leftovers"]);
  const failed = await ended(preun, "0", 2);
  expect(failed.status).toBe(0);
  expect(failed.stderr).toMatch(new RegExp(`${warning}[\\s\\S]*fsfreeze --unfreeze`));
  expect(await ended(preun, "1", 2)).toMatchObject({ status: 0, stderr: "", said: [""] });
});
