/**
 * The half of the guard's script that thaws: what the ledger says, the thawers that stand by, and the timer.
 * Its invariants are told in guard-script.ts, which has the variables that it uses.
 */
export const guardThaws = String.raw`# Sets number, state and start of a process; the name between them may contain anything.
look_at() {
  { read -r line <"/proc/$1/stat"; } 2>/dev/null || return 1
  me=${"$"}{line%% *} line=${"$"}{line##*) }
  set -- $line
  state=$1
  shift 19
  start=$1
}

# Of a number and a start, since a number alone may be somebody else's by now.
is_alive() {
  look_at "$1" || return 1
  case $state in [ZXx]) return 1 ;; esac
  [ "$start" = "$2" ]
}

# Sets s_N, what the ledger last said of each mount, w_N, why, and p_N, who is freezing it. What a full
# directory cut off is passed over.
look() {
  for n in $order; do eval "s_$n=none"; done
  while read -r word n rest; do
    case $n in '' | *[!0-9]*) continue ;; esac
    case $word in
      freezing)
        case $rest in '' | *[!0-9\ ]*) continue ;; esac
        eval "s_$n=freezing p_$n=\$rest"
        ;;
      frozen | busy | failed | thawed | loose | stuck) eval "s_$n=$word w_$n=\$rest" ;;
    esac
  done <"$ledger"
}

# Sets why to the complaint of a freeze.
complains() {
  why=
  { read -r why <"$directory/error.$1"; } 2>/dev/null
  [ -n "$why" ]
}

expire() { echo "$hold" 1<>"$directory/over"; }

is_over() {
  read -r past <"$directory/over"
  [ "$past" -ge "$hold" ]
}

# As the ledger was last looked at; sets waiting where it may become ours.
is_ours() {
  eval "s=\$s_$1 p=\$p_$1"
  case $s in
    frozen | stuck) return 0 ;;
    freezing) ;;
    *) return 1 ;;
  esac
  if is_alive $p; then
    waiting=1
    return 1
  fi
  ! complains "$1"
}

# For one mount in a process of its own, which becomes the thawing program.
thaw_now() {
  while :; do
    waiting=
    look
    is_ours "$1" && exec "$fsfreeze" -u "/proc/self/fd/$1" 2>&1
    [ -n "$waiting" ] || exit 99
    "$sleep" 0.02
  done
}

stand_by() {
  echo armed >&6
  read -r word <&7
  thaw_now "$1"
}

# Has one mount thawed, $2 being how.
thaw_one() {
  why=$("$2" "$1")
  case $?,$why in
    0,*) echo "thawed $1" >&8 ;;
    99,*) ;;
    *"Invalid argument"*) echo "loose $1" >&8 ;;
    *) echo "stuck $1" $why >&8 ;;
  esac
}

thawer() {
  trap '' TERM INT HUP
  trap 'echo unarmed >&6' EXIT
  exec >/dev/null 7<"$directory/go.$hold" 9>&-
  thaw_one "$1" stand_by
}

# Thaws without a new process. Who was stopped with all of the guard is to go on, too.
wake() {
  [ "$hold" != 0 ] || return 0
  kill -s CONT -- "-$$" 2>/dev/null
  for n in $order; do echo; done >&9
  [ -z "$thawers" ] || wait $thawers
}

# Begins to thaw what is ours still, and waits for it; false if there was nothing to do or to wait for.
thaw_rest() {
  look
  thawing= waiting=
  for n in $reversed; do
    is_ours "$n" || continue
    thaw_one "$n" thaw_now &
    thawing="$thawing $!"
  done
  [ -z "$thawing" ] || wait $thawing
  [ -n "$thawing$waiting" ]
}

thaw_all() {
  expire
  wake
  while thaw_rest; do "$sleep" 0.05; done
}

# A process of its own, which neither a dead nor a stopped guard keeps from its work.
# USR1 calls it off, USR2 lets it act at once.
watch() {
  slept=1 first= second=
  trap '' TERM INT HUP
  trap punish EXIT
  trap 'trap - EXIT; stop_sleeping; exit 0' USR1
  trap : USR2
  exec >/dev/null
  look_at self
  echo "timer $me $start" >&8
  "$sleep" "$1" 6>&- 8>&- 9>&- &
  look_at $! && first="$! $start"
  "$sleep" "$2" 6>&- 8>&- 9>&- &
  look_at $! && second="$! $start"
  echo armed >&6
  wait "${"$"}{first% *}"
  slept=$?
  trap '' USR1 USR2
  expire
  echo "expired $hold" >&8
  wake
  "$sleep" 0.05
  thaw_all
  exit 0
}

# The end of the timer, also where it could not begin a process.
punish() {
  [ -n "$second" ] || echo unarmed >&6
  trap 'trap - EXIT; stop_sleeping; exit 0' USR1
  # Only who was silent for the whole time is taken for stopped.
  if [ "$slept" = 0 ] && ! has_answered; then
    wait "${"$"}{second% *}"
    # A stopped agent would keep the locks of the databases.
    has_answered || { is_alive "$agent" "$born" && kill -KILL "$agent"; }
  fi
  stop_sleeping
}

# A shell buries its children when it likes, and then their numbers may be anybody's.
stop_sleeping() {
  for one in "$first" "$second"; do
    [ -n "$one" ] && is_alive $one && kill -KILL "${"$"}{one% *}"
  done
}

# Who has no ledger any more to answer in is not silent.
has_answered() {
  [ -e "$directory/ledger" ] || return 0
  while read -r word n rest; do
    [ "$word $n" = "answered $hold" ] && return 0
  done <"$ledger"
  return 1
}

call_off() {
  [ -n "$timer" ] || return 0
  kill -USR1 "$timer" 2>/dev/null
  wait "$timer" 2>/dev/null
  timer=
}
`;
