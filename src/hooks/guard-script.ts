import { guardThaws } from "./guard-thaws.ts";

/**
 * The guard: a small program for any POSIX shell that freezes and, whatever happens to anybody, thaws.
 *
 * It is a shell script because a shell is there before anything else, takes two megabytes, needs no
 * compiler, and does not share a single thread, heap or file with the agent that it watches.
 *
 * INVARIANTS
 * - It knows filesystems only by descriptors that it was given (from 10 upwards, since the shell needs those
 *   below); no path is looked up once something is frozen but in the ledger's own directory.
 * - A line `freezing N PID START` is in the ledger before a freeze begins. The freezing program itself leaves
 *   its complaint in `error.N`, which has its room before, so that neither the death of a shell nor a full
 *   directory can make somebody else's freeze look like ours.
 * - Whoever thaws writes the hold into `over` before it looks into the ledger, and whoever freezes looks
 *   there after its line is written: one of them sees the other, so nothing freezes behind a thaw's back.
 * - Before a freeze begins, the timer runs and a thawer stands by for each mount: to thaw nobody has to
 *   begin a process, which may fail. A thawer acts on a line in `go.HOLD`, or when nobody who could write
 *   one (guard, timer, freezing programs) lives any more. What it could not thaw is tried again and again.
 * - Every process that may still freeze or thaw has descriptor 8 and with it the lock of the ledger.
 * - Thaws never wait for each other: a stuck one keeps no other back.
 *
 * Input: `arm HOLD SECONDS SECONDS` (until the thaw; until a silent agent is killed), `freeze`, `thaw`, `quit`;
 * the end of the input means that the agent is gone.
 * Output: `ready`, then one line for each mount and `done` after each command: `frozen N`, `busy N WHY`,
 * `failed N WHY`, `thawed N`, `loose N` (was not frozen any more) and `stuck N WHY` (is frozen still).
 */
export const guardScript = String.raw`
directory=$1 agent=$2 born=$3 fsfreeze=$4 flock=$5 sleep=$6 mkfifo=$7
shift 7
ledger=$directory/ledger hold=0 timer= thawers= order= reversed=
set -f
for wave in "$@"; do
  for n in $wave; do order="$order $n" reversed="$n $reversed"; done
done

${guardThaws}
# The reason is for the agent only; the ledger has words and numbers.
tell() {
  echo "$1 $2" >&8
  echo "$@"
}

# The shell becomes the program, so the number in the ledger is that of the program.
freeze_one() {
  exec 2<>"$directory/error.$1" || exit 1
  look_at self
  echo "freezing $1 $me $start" >&8 || exit 1
  if is_over; then
    echo "the time was over" >&2
    exit 1
  fi
  exec "$fsfreeze" -f "/proc/self/fd/$1"
}

judge() {
  if [ "$2" = 0 ]; then
    tell frozen "$1"
    return
  fi
  failed=1
  if complains "$1"; then
    case $why in
      *"esource busy"*) tell busy "$1" "$why" ;;
      *) tell failed "$1" "$why" ;;
    esac
  elif [ "$2" -lt 128 ]; then
    tell failed "$1" "ended with $2"
  else
    # Killed without a word: it may have frozen first, so it stays in the ledger as ours.
    echo "failed $1 ended with $2"
  fi
}

arm() {
  hold=$1 failed= thawers=
  for n in $order; do printf '%200s\n' '' >"$directory/error.$n" || failed=1; done
  echo "hold $hold $2" >&8 || failed=1
  "$mkfifo" "$directory/go.$hold" "$directory/back.$hold" || failed=1
  if [ -z "$failed" ]; then
    exec 9<>"$directory/go.$hold" 6<>"$directory/back.$hold"
    watch "$2" "$3" &
    timer=$!
    for n in $order; do
      thawer "$n" &
      thawers="$thawers $!"
    done
    for n in timer $order; do
      read -r word <&6
      [ "$word" = armed ] || failed=1
    done
  fi
  [ -z "$failed" ] || echo "failed ${"$"}{order##* } no room for a file or no process could be had"
  echo "done"
}

freeze() {
  for wave in "$@"; do
    [ -z "$failed" ] || break
    for n in $wave; do
      freeze_one "$n" &
      eval "j_$n=$!"
    done
    for n in $wave; do
      eval "wait \$j_$n"
      judge "$n" $?
    done
  done
  is_over && failed=1
  if [ -n "$failed" ]; then thaw; else echo "done"; fi
}

# Tells what became of what was ours until now.
thaw() {
  echo "answered $hold" >&8
  expire
  look
  was=
  for n in $reversed; do is_ours "$n" && was="$was $n"; done
  wake
  thaw_rest
  look
  left=
  for n in $was; do
    eval "s=\$s_$n why=\$w_$n"
    case $s in
      thawed | loose) echo "$s $n" ;;
      *) left=1 && echo "stuck $n $why" ;;
    esac
  done
  echo "done"
  [ -n "$left" ] || call_off
}

end() {
  trap '' TERM INT HUP
  echo "answered $hold" >&8
  thaw_all
  call_off
  exit 0
}

trap '' PIPE
trap end TERM INT HUP
exec 8>>"$ledger" || exit 1
"$flock" 8 || exit 1
# What it said can be read also when somebody has removed it.
ledger=/proc/self/fd/8
{ echo -900 >/proc/self/oom_score_adj; } 2>/dev/null
printf '%20s\n' 0 >"$directory/over" || exit 1
look_at self
echo "guard $$ $start" >&8 || exit 1
trap 'expire; wake' EXIT
echo ready
while read -r command number seconds more; do
  case $command in
    arm) arm "$number" "$seconds" "$more" ;;
    freeze) freeze "$@" ;;
    thaw) thaw ;;
    quit) break ;;
  esac
done
end
`;
