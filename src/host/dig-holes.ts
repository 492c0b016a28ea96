import { told } from "./ask-program.ts";
import { systemProgram } from "./system-path.ts";

/** Milliseconds for reading all large files once. */
const patience = 24 * 3_600_000;

/**
 * Gives the room of zeros back in files of a mebibyte and more: for who restores by a program that knows no holes. The
 * times of the files stay. Where the host has no fallocate(1) nothing is done: only room is lost.
 */
export async function digHoles(directory: string, signal: AbortSignal): Promise<void> {
  if ((await systemProgram("fallocate")) === undefined) return;
  // The times are put on a file of our own meanwhile, since touch(1) knows nanoseconds.
  const script = `cd "$1" && umask 077 && of=$(mktemp) && trap 'rm -f "$of"' EXIT &&
find . -xdev -type f -size +2047 -exec sh -c 'of=$1; shift; for one; do
touch -r "$one" "$of" && fallocate --dig-holes -- "$one" 2>/dev/null; touch -r "$of" "$one"; done' sh "$of" {} +`;
  await told("sh", ["-c", script, "sh", directory], { timeout: patience, signal });
}
