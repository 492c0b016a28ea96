/**
 * What stands between us and a process of restic: it makes sure that restic does not outlive us. A second process of
 * the same group reads a pipe of which we hold the other end. When that breaks, since we are gone, however we went,
 * it kills restic, and only then lets go of its own end of what restic reads: restic never takes our death for the
 * end of its input, of which it would make a snapshot.
 *
 * Descriptor 3 is that pipe, 4 the write end of restic's input. A line `end` lets go of the input. The first process
 * becomes restic itself, so that its number and its end are restic's.
 */
const guardScript = `
(
  exec </dev/null >/dev/null 2>&1
  while read -r word <&3; do
    case $word in end) exec 4>&- ;; esac
  done
  kill -s KILL $$
  sleep 1
  kill -s KILL 0
) &
exec 3<&- 4>&-
exec "$@"
`;

/** The words that run a program below the guard. */
export function guarded(words: readonly string[]): readonly string[] {
  return ["/bin/sh", "-c", guardScript, "sh", ...words];
}
