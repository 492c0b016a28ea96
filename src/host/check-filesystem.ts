import type { FilesystemVerdict } from "../core/drill-ports.ts";
import type { FoundFilesystem } from "../core/restore-ports.ts";
import { askProgram } from "./ask-program.ts";
import { systemProgram } from "./system-path.ts";

/**
 * Look for damage and answer no to every question. All end with 0 where nothing is wrong; any other end, such as that of
 * e2fsck(8) at a superblock that cannot be read, proves nothing good.
 */
const checkers: Readonly<Record<string, readonly [program: string, ...words: string[]]>> = {
  ext2: ["e2fsck", "-f", "-n"],
  ext3: ["e2fsck", "-f", "-n"],
  ext4: ["e2fsck", "-f", "-n"],
  xfs: ["xfs_repair", "-n"],
  btrfs: ["btrfs", "check", "--readonly"],
  vfat: ["fsck.fat", "-n"],
};

const writtenOnce = new Set(["iso9660", "squashfs", "erofs", "cramfs"]);

/** As long as the drill, which ends it by its signal. Milliseconds. */
const patience = 7 * 86_400_000;

/** So much of what a program complains of is told. */
const mostCharacters = 400;

/** Looks for damage in a filesystem that is not mounted, and writes nothing. */
export async function checkFilesystem(
  { path, type }: FoundFilesystem,
  signal: AbortSignal,
): Promise<FilesystemVerdict> {
  const checker = checkers[type];
  if (writtenOnce.has(type)) return { verdict: "needless", said: `nothing ever checks ${type}` };
  if (checker === undefined) return { verdict: "unknown", said: `nothing is known that checks ${type}` };
  const [program, ...words] = checker;
  if ((await systemProgram(program)) === undefined)
    return { verdict: "unknown", said: `${program}, which would check it, is not installed` };
  const { code, stdout, said } = await askProgram(program, [...words, path], { timeout: patience, signal });
  if (code === 0) return { verdict: "clean", said: `${program} found nothing wrong` };
  const complaints = complaintsIn(stdout.toString("utf8"));
  const text = `${program} ended with ${code ?? "a signal"}: ${[complaints, said].filter((one) => one !== "").join("; ")}`;
  return { verdict: "damaged", said: shortened(text) };
}

/** Headings of what is being done are no complaints. */
function complaintsIn(output: string): string {
  const lines = output
    .split("\n")
    .map((line) => line.replace(/\s+/g, " ").trim())
    .filter(
      (line) => line !== "" && !/^(Pass|Phase|-|\[\d|Opening filesystem|Checking filesystem)/.test(line),
    );
  return lines.slice(0, 6).join("; ");
}

function shortened(text: string): string {
  return text.length > mostCharacters ? `${text.slice(0, mostCharacters - 3)}...` : text;
}
