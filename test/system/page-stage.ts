import { randomInt } from "node:crypto";
import { chmod, mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { expect } from "vitest";
import { tagKeys } from "../../src/core/point-tags.ts";
import type { Scenario } from "../../src/simulator/scenario.ts";
import { agent, Bench, type Ended, execute } from "./bench.ts";
import { GuestDevices } from "./guest-devices.ts";
import { instance, scenarioOf, volumesOf } from "./history.ts";
import { LoopDisks, sh } from "./loop-disks.ts";
import { mountNamespace } from "./mount-namespace.ts";

/** The other machine of the page, `web-1`. */
const web = "i-0fa00000000000002";
const dataVolume = volumesOf(2)[1]?.id ?? "";
const quick = ["createVolume", "deleteVolume", "attach", "detach", "replaceRoot", "stop", "start", "reboot"];

/**
 * Where the commands of the page are typed: a simulated instance with a data volume at /srv/data, of which somebody
 * has removed a file since the last point, and another instance with a point of its own.
 */
export class PageStage implements AsyncDisposable {
  readonly bench: Bench;
  readonly #disks: LoopDisks;
  readonly #guest: GuestDevices;
  readonly #space: string;
  readonly #end: () => void;
  /** The restore that each action did last. */
  readonly #told = new Map<string, string>();

  private constructor(bench: Bench, disks: LoopDisks, guest: GuestDevices, space: string, end: () => void) {
    this.bench = bench;
    this.#disks = disks;
    this.#guest = guest;
    this.#space = space;
    this.#end = end;
  }

  static async start(): Promise<PageStage> {
    const disks = await LoopDisks.start();
    const image = await filesystem(disks, "then", { "app/config.yaml": "as it was\n", "app/data": "rows\n" });
    const current = await filesystem(disks, "now", { "app/data": "broken\n" });
    const bench = await Bench.start(world(disks, image, current), { settleEvery: "100ms" });
    await mkdir(path.join(bench.folder, "bin"));
    const shim = path.join(bench.folder, "bin/ec2-backup");
    const command = `exec '${process.execPath}' '${agent}' --config '${bench.config}' "$@"`;
    await writeFile(shim, `#!/bin/sh\n${command}\n`);
    await chmod(shim, 0o755);
    const { space, end } = await mountNamespace();
    disks.janitor.undo(`kill -9 ${space} 2>/dev/null; true`);
    const guest = GuestDevices.start(disks, bench.simulator.control.guest, {}, { every: 25 });
    const stage = new PageStage(bench, disks, guest, space, end);
    await stage.#prepare();
    return stage;
  }

  async #prepare(): Promise<void> {
    const { control } = this.bench.simulator;
    // A point of the other machine, by the agent on it.
    await control.settings({ self: web });
    const run = await this.bench.run({}, "--wait");
    expect(run.report.points, run.stdout + run.stderr).toHaveLength(1);
    await control.settings({ self: instance.id });
    const at = path.join(this.#disks.directory, "data");
    await mkdir(at);
    const device = await this.#guest.device(dataVolume);
    await sh("nsenter", "-m", "-t", this.#space, "mount", device, at);
  }

  /** What happens before a chapter that tells of it. */
  async enter(chapter: string): Promise<void> {
    if (chapter !== "The machine is gone") return;
    await this.bench.simulator.control.instances([{ change: { instance: web, state: "terminated" } }]);
  }

  /** Types a command of the page; its places and ids are those of the stage. */
  async type(command: string): Promise<Ended> {
    const places: readonly (readonly [string, string])[] = [
      ["/mnt/restored", path.join(this.#disks.directory, "restored")],
      ["/srv/data", path.join(this.#disks.directory, "data")],
      ["i-0123456789abcdef0", web],
    ];
    const there = places
      .reduce((text, [page, here]) => text.replaceAll(page, here), command)
      .replace(
        /(restore (?:volumes|replace|instance) .*)\b((?:restore|instance)-[0-9a-f]{16})/,
        (_, words: string, id: string) => `${words}${this.#told.get(words.split(" ")[1] ?? "") ?? id}`,
      );
    const env = {
      ...this.bench.simulator.environment,
      STATE_DIRECTORY: this.bench.state,
      RUNTIME_DIRECTORY: path.join(this.bench.folder, "run"),
      PATH: `${path.join(this.bench.folder, "bin")}:${process.env["PATH"]}:/usr/sbin:/sbin`,
      HOME: this.bench.folder,
    };
    const ended = await execute(["nsenter", "-m", "-t", this.#space, "sh", "-c", there], env);
    // Each command prints how what it has done is undone.
    for (const [, action = "", id = ""] of ended.stdout.matchAll(
      /restore (volumes|replace|instance) --undo --restore ((?:restore|instance)-[0-9a-f]{16})/g,
    ))
      this.#told.set(action, id);
    const back = (text: string) => places.reduce((all, [page, here]) => all.replaceAll(here, page), text);
    return { ...ended, stdout: back(ended.stdout) };
  }

  /** The volumes of this instance's own, with what is attached where. */
  async originals(): Promise<string> {
    const { volumes } = await this.bench.simulator.control.state();
    const ids = volumesOf(2).map(({ id }) => id);
    return JSON.stringify(
      ids.map((id) => [id, volumes[id]?.attachments.map((one) => [one.instance, one.device])]),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#end();
    await pause(50);
    await this.#guest[Symbol.asyncDispose]();
    await this.#disks.janitor[Symbol.asyncDispose]();
    await this.bench[Symbol.asyncDispose]();
  }
}

function world(disks: LoopDisks, image: string, current: string): Scenario {
  const given = scenarioOf(2, 1, { limits: false, images: [] });
  return {
    ...given,
    // Names of devices come of the ids of volumes, and other test files make some at the same time.
    seed: randomInt(2 ** 31),
    settle: { seconds: 0.1, secondsPerGiB: 0 },
    times: Object.fromEntries(quick.map((name) => [name, 0.2])),
    volumeData: path.join(disks.directory, "volumes"),
    instances: [
      ...(given.instances ?? []),
      { id: web, name: "web-1", tags: { Backup: "yes" }, instanceType: "m7i.large" },
    ],
    volumes: [
      ...(given.volumes ?? []).map((one) =>
        one.id === dataVolume
          ? { ...one, file: current, attachments: [{ instance: instance.id, device: "/dev/sdf" }] }
          : one,
      ),
      { id: "vol-0fa00000000000009", size: 1, attachments: [{ instance: web, device: "/dev/xvda" }] },
    ],
    snapshots: (given.snapshots ?? []).map(({ tags, ...one }) => ({
      ...one,
      tags: Object.fromEntries(
        Object.entries(tags ?? {}).map(([key, value]) => [
          key,
          value.replace("dev=/dev/sdab", "dev=/dev/sdf"),
        ]),
      ),
      ...(tags?.[tagKeys.point] !== undefined && one.volumeId === dataVolume && { file: image }),
    })),
  } as Scenario;
}

async function filesystem(
  disks: LoopDisks,
  name: string,
  files: Readonly<Record<string, string>>,
): Promise<string> {
  const file = await disks.file(`${name}.ext4`, 16);
  const source = path.join(disks.directory, name);
  for (const [place, text] of Object.entries(files)) {
    await mkdir(path.dirname(path.join(source, place)), { recursive: true });
    await writeFile(path.join(source, place), text);
  }
  // As of one volume: the UUID of a snapshot is that of the volume.
  await sh("mkfs.ext4", "-q", "-U", "0fa00000-0000-4000-8000-000000000001", "-d", source, file);
  return file;
}
