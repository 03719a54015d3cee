#!/bin/sh
# Starts cgkill in standby behind a FIFO: from then on, `echo /batch/job7 > /run/cgkill/kill` kills that cgroup. `echo` is
# built into every shell, so this works when the host cannot start a process any more.
#
#   standby.sh [DIRECTORY]      default /run/cgkill
#
# The FIFO is opened for reading and writing, so it never ends. Answers, one JSON document per name, go to standard
# output. A user who can write to the FIFO can kill. So it and its directory must belong to the user who runs this, with
# no permission for others; anything else in their place is refused.
set -eu
umask 077
PATH=$PATH:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin

dir=${1:-/run/cgkill}
fifo=$dir/kill

refuse() {
  echo "standby: $1" >&2
  exit 1
}

# check PATH TYPE MODE: refuse anything else at PATH; TYPE is an operator of test(1).
check() {
  [ ! -L "$1" ] || refuse "$1: is a symbolic link; remove it"
  test "$2" "$1" || refuse "$1: has the wrong type; remove it"
  found=$(stat -c '%u %a' -- "$1")
  [ "$found" = "$(id -u) $3" ] || refuse "$1: owner and mode are $found, not $(id -u) $3"
}

[ -e "$dir" ] || [ -L "$dir" ] || mkdir -m 700 -- "$dir"
check "$dir" -d 700
[ -e "$fifo" ] || [ -L "$fifo" ] || mkfifo -m 600 -- "$fifo"
check "$fifo" -p 600

# Two readers of one FIFO would share the names. Without a reader this open fails.
if dd if=/dev/null "of=$fifo" oflag=nonblock conv=notrunc 2>/dev/null; then
  refuse "$fifo: another standby reads it"
fi

exec cgkill kill --json - <>"$fifo"
