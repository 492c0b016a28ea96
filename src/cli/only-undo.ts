import type { Command as Program } from "commander";

/** Refuses words beside `--undo` that would seem to limit it: what goes is named by `--restore` alone. */
export function onlyUndo(
  command: Program,
  volumes: readonly string[],
  options: Readonly<Record<string, unknown>>,
  more: readonly string[] = [],
): void {
  const known = ["undo", "restore", "dryRun", "yes", ...more];
  const other = Object.keys(options).find((name) => !known.includes(name));
  const word =
    volumes[0] ?? (other && `--${other.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`);
  if (word !== undefined)
    command.error(
      `error: --undo takes no ${word}: name what is to go with --restore restore-…, as --undo lists it`,
    );
}
