#!/bin/bash
# Boots the systemd of this machine as process 1 of fresh namespaces, over a throw-away layer on /.
# Reads commands, one a line, and runs them inside; takes everything down at the end of its input, so that
# nothing stays when whoever started it dies. Needs root.
#   lab.sh DIRECTORY [OUTSIDE:INSIDE...]   binds directories or mounts from outside
set -u
work=$(readlink -m "$1"); shift
group=/sys/fs/cgroup/unified; [ -d "$group" ] || group=/sys/fs/cgroup
group=$group/ec2-backup-lab-$$
root=$work/layer/root
leader=

down() {
  trap '' EXIT TERM INT HUP
  if [ -n "$leader" ] && [ -d "/proc/$leader" ]; then
    kill -s SIGRTMIN+4 "$leader"
    for _ in $(seq 50); do [ -d "/proc/$leader" ] || break; sleep 0.1; done
    [ ! -d "/proc/$leader" ] || kill -9 "$leader"
    sleep 0.1
  fi
  find "$group" -depth -type d -exec rmdir {} \; 2>/dev/null
  for one in "$root" "$work/layer"; do umount "$one" 2>/dev/null || umount -l "$one" 2>/dev/null; done
}
trap down EXIT
trap exit TERM INT HUP

mkdir -p "$work/layer"
mount -t tmpfs -o mode=755 tmpfs "$work/layer" || exit 1
mkdir "$work/layer/upper" "$work/layer/work" "$root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$work/layer/upper,workdir=$work/layer/work" "$root" || exit 1
: >"$root/etc/machine-id"
mkdir -p "$root/etc/systemd/system"
for unit in console-getty.service getty@.service systemd-modules-load.service apt-daily.timer apt-daily-upgrade.timer \
  man-db.timer dpkg-db-backup.timer e2scrub_all.timer fstrim.timer logrotate.timer postgresql.service \
  mariadb.service redis-server.service cron.service rsyslog.service ssh.service; do
  ln -sf /dev/null "$root/etc/systemd/system/$unit"
done

boot() {
  set -e
  mount --make-rprivate /
  # Copies of the disks of other tests would keep those from being let go.
  awk '$1 ~ /^.dev.loop/ {print $2}' /proc/mounts | tac | while read -r at; do
    case " $* " in *" $at:"*) ;; *) umount -l "$at" 2>/dev/null || : ;; esac
  done
  mount -t proc proc "$root/proc"
  mount -t sysfs sysfs "$root/sys" -o ro
  mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup"
  mount -t tmpfs tmpfs "$root/dev" -o mode=755
  for one in null zero full random urandom tty; do
    touch "$root/dev/$one"
    mount --bind "/dev/$one" "$root/dev/$one"
  done
  ln -s /proc/self/fd "$root/dev/fd"
  mkdir "$root/dev/shm" "$root/dev/pts"
  mount -t devpts devpts "$root/dev/pts" -o newinstance,ptmxmode=0666,mode=620
  mount -t tmpfs tmpfs "$root/run" -o mode=755
  mount -t tmpfs tmpfs "$root/tmp" -o mode=1777 # or it would be cleaned file by file
  for one in "$@"; do
    mkdir -p "$root${one#*:}"
    mount --bind "${one%%:*}" "$root${one#*:}"
  done
  cd "$root"
  mkdir -p .outside
  pivot_root . .outside
  # What is mounted is seen by all, as on any machine of its own; in a container systemd leaves that to who started it.
  exec chroot . /bin/sh -c 'umount -l /.outside; mount --make-rshared /; exec env -i container=lab PATH=/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 /lib/systemd/systemd --system --unit=multi-user.target'
}
export -f boot
export root
mkdir -p "$group" || exit 1
(
  echo "$BASHPID" >"$group/cgroup.procs"
  exec setsid unshare --pid --fork --mount --uts --ipc --net --cgroup bash -c 'boot "$@"' boot "$@"
) </dev/null >"$work/boot.log" 2>&1 &
starter=$!

# Its programs keep their compiled code themselves, as on any machine.
inside() { env -u NODE_COMPILE_CACHE nsenter -t "$leader" -m -u -i -n -p -C -- "$@"; }

for _ in $(seq 200); do
  leader=$(pgrep -P "$starter")
  [ -n "$leader" ] && [ "$(cat "/proc/$leader/comm" 2>/dev/null)" = systemd ] && break
  [ -d "/proc/$starter" ] || break
  sleep 0.05
done
[ -n "$leader" ] || { cat "$work/boot.log" >&2; exit 1; }
state=
for _ in $(seq 400); do
  state=$(inside systemctl is-system-running 2>/dev/null)
  case $state in running | degraded) break ;; esac
  sleep 0.05
done
echo "$leader" >"$work/leader"
echo "booted: $state"
while IFS= read -r line; do
  inside /bin/sh -c "$line" </dev/null 2>&1
  echo "ended: $?"
done
