import { archiving } from "./directory-scripts.ts";
import { shellWord } from "./shell-word.ts";

/** What a directory is brought back into, within the one that it is to be: only what is whole goes from there to its place. */
export const bringingName = ".ec2-backup-restore";

/**
 * Moves all that has come into its place, and gives that the attributes that came with it. It is begun when nothing can
 * go wrong any more but the moving itself, and does not end with us. Reports `settle`.
 */
export function settleScript(stage: string, to: string): string {
  return `exec 3<&- 4>&1
settle() {
cd ${shellWord(stage)} && LC_ALL=C tar --create ${archiving} --no-recursion --file=- . >"$top" &&
find . -mindepth 1 -maxdepth 1 -exec mv -n -t ${shellWord(to)} -- {} + &&
cd / && rmdir ${shellWord(stage)} &&
LC_ALL=C tar --extract --preserve-permissions ${archiving} --directory=${shellWord(to)} --file=- <"$top"
}
top=$(mktemp) || exit 1
settle >&2; echo "settle $?" >&4
rm -f "$top"
`;
}
