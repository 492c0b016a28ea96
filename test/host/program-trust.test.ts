import { chmodSync, chownSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { distrustOfProgram } from "../../src/host/program-trust.ts";
import { folder, isLinux, isRoot, need } from "./places.ts";

const somebody = 12_345;

test("a program that others than root could exchange is told, wherever they could", async (context) => {
  need(context, isLinux && isRoot, "root on Linux");
  const place = await folder();
  chmodSync(place, 0o755);
  const at = (...names: string[]) => path.join(place, ...names);
  mkdirSync(at("app", "dist", "agent"), { recursive: true });
  for (const name of ["app/dist/ec2-backup.js", "app/dist/agent/main.js", "node"])
    writeFileSync(at(name), "", { mode: 0o755 });
  symlinkSync("app/dist/ec2-backup.js", at("ec2-backup"));
  const told = async () =>
    (await distrustOfProgram([at("node"), at("ec2-backup"), "run"])).map(
      (one) => `${path.relative(place, one.path)}: ${one.found}`,
    );
  expect(await told()).toEqual([]);
  for (const name of ["app", "app/dist", "app/dist/ec2-backup.js", "app/dist/agent/main.js", "node"]) {
    chownSync(at(name), somebody, 0);
    expect(await told()).toEqual([`${name}: the owner uid ${somebody}`]);
    chownSync(at(name), 0, 0);
  }
  for (const name of ["app", "app/dist/agent"]) {
    chmodSync(at(name), 0o775);
    expect(await told()).toEqual([`${name}: mode 0775`]);
    chmodSync(at(name), 0o755);
  }
  chmodSync(at("app", "dist", "agent", "main.js"), 0o757);
  expect(await told()).toEqual(["app/dist/agent/main.js: mode 0757"]);
});
