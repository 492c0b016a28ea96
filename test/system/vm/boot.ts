import { spawn } from "node:child_process";
import {
  chmodSync,
  copyFileSync,
  cpSync,
  mkdirSync,
  readFileSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import path from "node:path";
import { disks, rootVolume, type Told } from "./disks.ts";
import { filesystemOf, guestImage } from "./guest-image.ts";

/** What the guest told, and its console for when that is not enough. */
export interface Boot {
  readonly told: readonly Told[];
  readonly console: string;
  readonly seconds: number;
}

/** The second line leaves out what takes time when instructions are translated, and changes nothing that is tested. */
const kernelWords = [
  ...["console=ttyS0", "root=/dev/vda", "rw", "init=/usr/sbin/guest-init", "panic=-1"],
  ...["mitigations=off", "nokaslr", "audit=0", "apparmor=0", "init_on_alloc=0", "rcupdate.rcu_expedited=1"],
];

/**
 * Boots the virtual machine once and lets it run its program to the end; it is killed at the deadline
 * (milliseconds) or when the signal aborts. All its files are in the folder.
 */
export async function boot(
  folder: string,
  deadline: number,
  signal?: AbortSignal,
  program = "guest.ts",
): Promise<Boot> {
  const image = guestImage();
  const payload = payloadIn(folder, program);
  const [console, results] = [path.join(folder, "console"), path.join(folder, "results")];
  // What restores look at is looked at often, so those are given the disks they use, and no more.
  const wanted = disks.filter(({ use }) => program === "guest.ts" || /^(lvm|md)-/.test(use));
  const drives = wanted.flatMap(({ use, slot, volume, megabytes }) => {
    const file = path.join(folder, `${use}.img`);
    writeFileSync(file, "");
    truncateSync(file, megabytes * 1024 * 1024);
    const serial = volume.replace("-", "");
    return [
      ...["-drive", `file=${file},if=none,id=${use},format=raw,cache=unsafe`],
      ...["-device", `nvme,drive=${use},serial=${serial},addr=0x${slot.toString(16)}`],
    ];
  });
  // Without KVM, a second processor and wide vectors cost more than they give.
  const words = [
    ...["-machine", "pc", "-accel", "tcg", "-cpu", "Nehalem", "-smp", "1", "-m", "1024"],
    ...["-nodefaults", "-no-user-config", "-display", "none", "-no-reboot"],
    ...["-kernel", image.kernel, "-initrd", image.initrd],
    ...["-append", [...kernelWords, `stacks=${process.env["VM_STACKS"] ?? ""}`].join(" ")],
    ...["-serial", `file:${console}`, "-serial", `file:${results}`],
    ...["-drive", `file=${image.root},if=none,id=root,format=raw,snapshot=on`],
    ...["-device", `virtio-blk-pci,drive=root,serial=${rootVolume.replace("-", "")},addr=0x3`],
    ...["-drive", `file=${payload},if=none,id=payload,format=raw,readonly=on`],
    ...["-device", "virtio-blk-pci,drive=payload,addr=0x4"],
    ...drives,
  ];
  const begun = performance.now();
  const ended = await run("qemu-system-x86_64", words, deadline, signal);
  const lines = textOf(results).split("\n");
  // A line that the guest did not end is left for the reader.
  const isWhole = (line: string): boolean => line.startsWith("{") && line.endsWith("}");
  const told = lines.filter(isWhole).map((line) => JSON.parse(line) as Told);
  const other = lines.filter((line) => !isWhole(line)).join("\n");
  return {
    told,
    console: `${ended}\n${other}\n${textOf(console).slice(-6_000)}`,
    seconds: (performance.now() - begun) / 1000,
  };
}

/** A filesystem image with this project's sources and the Node.js that runs the tests. */
function payloadIn(folder: string, program: string): string {
  const project = path.resolve(import.meta.dirname, "../../..");
  const directory = path.join(folder, "payload");
  mkdirSync(directory);
  const parts = ["src/core", "src/host", "src/actions", "test/system/vm", "test/host/odd-tree-scripts.ts"];
  for (const part of parts) {
    cpSync(path.join(project, part), path.join(directory, part), { recursive: true });
  }
  // The guest starts the program of this name.
  if (program !== "guest.ts")
    writeFileSync(path.join(directory, "test/system/vm/guest.ts"), `import "./${program}";\n`);
  writeFileSync(path.join(directory, "package.json"), '{ "type": "module" }\n');
  copyFileSync(process.execPath, path.join(directory, "node"));
  chmodSync(path.join(directory, "node"), 0o755);
  const image = path.join(folder, "payload.img");
  filesystemOf(directory, image, "256M");
  return image;
}

function run(
  program: string,
  words: readonly string[],
  deadline: number,
  signal?: AbortSignal,
): Promise<string> {
  return new Promise((resolve) => {
    // Goes with this process, also when that is killed.
    const child = spawn("setpriv", ["--pdeathsig", "KILL", program, ...words], {
      stdio: ["ignore", "pipe", "pipe"],
    });
    let said = "";
    child.stdout.on("data", (text: Buffer) => (said += text.toString()));
    child.stderr.on("data", (text: Buffer) => (said += text.toString()));
    const kill = (): void => void child.kill("SIGKILL");
    const timer = setTimeout(kill, deadline);
    signal?.addEventListener("abort", kill, { once: true });
    const end = (how: string): void => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", kill);
      resolve(`${program} ended with ${how}: ${said}`);
    };
    child.once("error", (error) => end(error.message));
    child.once("close", (code, killed) => end(String(code ?? killed)));
  });
}

function textOf(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}
