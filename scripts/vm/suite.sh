#!/bin/sh
# Runs inside the machine of scripts/vm/test-in-vm.sh: as a systemd service with the argument "systemd", or as PID 1.
# Prints `ok NAME` or `not ok NAME: why` for each test, `done` at the end, and powers off.
# Each test is a function in its own subshell: the first failed expectation ends it.
export PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin LC_ALL=C
readonly OUT=/run/out ERR=/run/err

say() { echo "$*" >/dev/ttyS1; }

try() {
  if why=$("$@" 2>&1 </dev/null); then
    say "ok $*"
  else
    say "not ok $*: $(echo "${why:-no reason given}" | tr '\n' ' ')"
  fi
}

fail() {
  echo "$*"
  exit 1
}

# kills STATUS ARGUMENT...: run cgkill and expect an exit status. Its output is in $OUT and $ERR.
kills() {
  wanted=$1
  shift
  status=0
  cgkill "$@" >"$OUT" 2>"$ERR" || status=$?
  [ "$status" -eq "$wanted" ] || fail "cgkill $*: exit status $status, not $wanted: $(cat "$OUT" "$ERR")"
}

says() { grep -qe "$2" "$1" || fail "no '$2' in: $(cat "$1")"; }

# tells FILTER: expect a document in the last output for which the jq filter is true.
tells() { jq -es "any(.[]; $1)" <"$OUT" >/dev/null || fail "no document with $1 in: $(head -c 600 "$OUT")"; }

# soon SECONDS COMMAND...: wait until the command succeeds.
soon() {
  limit=$(($(date +%s) + $1))
  shift
  until "$@" >/dev/null 2>&1; do
    [ "$(date +%s)" -lt "$limit" ] || fail "never came true: $*"
    sleep 0.1
  done
}

# An unreaped zombie is dead.
gone() { for pid in $1; do ! grep -qs '^State:[[:space:]]*[^ZX[:space:]]' "/proc/$pid/status" || return 1; done; }

# members DIRECTORY: the pids in the subtree, one per line.
members() { find "$1" -name cgroup.procs -exec cat {} +; }

nobody_in() { [ ! -e "$1" ] || [ -z "$(members "$1")" ]; }

count_in() { [ "$(members "$1" | wc -l)" -ge "$2" ]; }

is_layout() {
  kills 0 --version
  says "$OUT" "^this host: $1\$"
}

## Under systemd

is_known() { [ "$(systemctl show -P ControlGroup "$1")" != "" ]; }

path_of() { systemctl show -P ControlGroup "$1"; }

is_inactive() { ! systemctl is-active --quiet "$1"; }

# start UNIT [OPTION...]: start a transient service of three processes.
start() {
  unit=$1
  shift
  systemd-run --quiet --unit="$unit" "$@" sh -c 'sleep 1001 & sleep 1002 & wait' || fail "systemd-run failed"
  soon 20 is_known "$unit"
  soon 20 count_in "$base$(path_of "$unit")" 3
}

pids_in() { members "$base$1"; }

it_is_that_layout() { is_layout "$mode"; }

list_knows_the_unit() {
  start cgkill-test-list.service
  kills 0 list --json
  unit=cgkill-test-list.service
  tells ".cgroup == \"/system.slice/$unit\" and .procs == 3 and .label == \"unit $unit\""
  kills 0 list
  says "$OUT" 'cgkill-test-list.service'
}

show_knows_the_unit() {
  start cgkill-test-show.service
  kills 0 show --json /system.slice/cgkill-test-show.service
  tells '.label == "unit cgkill-test-show.service" and (.refusal == null)'
  kills 0 show --name cgkill-test-show.service
  says "$OUT" 'systemctl stop cgkill-test-show.service'
}

kill_by_name() {
  start cgkill-test-name.service
  pids=$(pids_in "$(path_of cgkill-test-name.service)")
  kills 0 --json --name cgkill-test-name.service
  tells '.outcome == "killed" and (.killed | length) == 3 and .method == "'"$method"'"'
  gone "$pids" || fail "still alive: one of $pids"
  nobody_in "$base/system.slice/cgkill-test-name.service" || fail "it is not empty"
  soon 20 is_inactive cgkill-test-name.service
}

# systemd removes the emptied cgroup at the same time as cgkill.
kill_and_remove() {
  for round in 1 2 3 4 5; do
    start "cgkill-test-remove$round.service" --collect
    kills 0 --json -r "/system.slice/cgkill-test-remove$round.service"
    tells '.outcome == "killed"'
    [ ! -e "$base/system.slice/cgkill-test-remove$round.service" ] || fail "the directory is still there"
  done
}

kill_by_pid() {
  start cgkill-test-pid.service
  kills 0 --pid "$(systemctl show -P MainPID cgkill-test-pid.service)"
  soon 20 is_inactive cgkill-test-pid.service
}

kill_with_grace() {
  start cgkill-test-grace.service
  kills 0 -g 20s --json --name cgkill-test-grace.service
  tells '.outcome == "killed" and .duration_ms < 20000'
  soon 20 is_inactive cgkill-test-grace.service
}

kill_many_by_glob() {
  start cgkill-many-a.service
  start cgkill-many-b.service
  kills 2 --name 'cgkill-many-*'
  kills 0 --all --name 'cgkill-many-*'
  soon 20 is_inactive cgkill-many-a.service
  soon 20 is_inactive cgkill-many-b.service
}

kill_a_slice_of_two() {
  start cgkill-two-a.service --slice=cgkilltwo.slice
  start cgkill-two-b.service --slice=cgkilltwo.slice
  pids=$(pids_in /cgkilltwo.slice)
  kills 0 --name cgkilltwo.slice
  gone "$pids" || fail "still alive: one of $pids"
  soon 20 is_inactive cgkill-two-a.service
  soon 20 is_inactive cgkill-two-b.service
}

kill_what_is_started_again() {
  start cgkill-test-again.service -p Restart=always -p RestartSec=2s
  pids=$(pids_in "$(path_of cgkill-test-again.service)")
  kills 0 --name cgkill-test-again.service
  says "$ERR" 'systemd may start it again; to stop it:'
  says "$ERR" '^ *systemctl stop cgkill-test-again.service'
  gone "$pids" || fail "still alive: one of $pids"
  soon 30 systemctl is-active --quiet cgkill-test-again.service
  systemctl stop cgkill-test-again.service
}

kill_what_is_started_again_at_once() {
  start cgkill-test-atonce.service -p Restart=always -p RestartSec=0 -p StartLimitIntervalSec=0
  pids=$(pids_in "$(path_of cgkill-test-atonce.service)")
  cgkill --name cgkill-test-atonce.service >"$OUT" 2>"$ERR"
  status=$?
  gone "$pids" || fail "still alive: one of $pids"
  systemctl stop cgkill-test-atonce.service
  case $status in 0 | 7) ;; *) fail "exit status $status: $(cat "$OUT" "$ERR")" ;; esac
}

kill_a_delegated_tree() {
  start cgkill-test-tree.service -p Delegate=yes
  tree=$base$(path_of cgkill-test-tree.service)
  pids=$(cat "$tree/cgroup.procs")
  mkdir -p "$tree/one/two" "$tree/three"
  for pid in $pids; do echo "$pid" >"$tree/one/two/cgroup.procs"; done
  kills 0 -r --json --name cgkill-test-tree.service
  tells '.outcome == "killed"'
  gone "$pids" || fail "still alive: one of $pids"
  soon 20 is_inactive cgkill-test-tree.service
}

kill_a_scope() {
  systemd-run --quiet --scope --unit=cgkill-test-scope.scope sleep 1003 >/dev/null 2>&1 &
  soon 20 systemctl is-active --quiet cgkill-test-scope.scope
  kills 0 --name cgkill-test-scope.scope
  soon 20 is_inactive cgkill-test-scope.scope
}

kill_a_fork_bomb() {
  systemd-run --quiet --unit=cgkill-test-bomb.service -p TasksMax=200 \
    perl -e 'fork while 1' || fail "systemd-run failed"
  soon 60 count_in "$base/system.slice/cgkill-test-bomb.service" 150
  kills 0 -t 60s --json --name cgkill-test-bomb.service
  tells '.outcome == "killed"'
  nobody_in "$base/system.slice/cgkill-test-bomb.service" || fail "it is not empty"
  soon 30 is_inactive cgkill-test-bomb.service
}

session_of() { loginctl list-sessions --no-legend | awk -v user="$1" '$3 == user { print $1; exit }'; }

kill_a_login_session() {
  runuser -l tester -c 'sleep 1004 & sleep 1005' >/dev/null 2>&1 &
  soon 30 has_session tester
  scope=session-$(session_of tester).scope
  soon 20 count_in "$base/user.slice/user-1000.slice/$scope" 3
  kills 0 list --json
  tells '.cgroup | endswith("'"$scope"'")'
  kills 0 --name "$scope"
  soon 20 is_inactive "$scope"
}

has_session() { [ -n "$(session_of "$1")" ]; }

own_session_is_refused() {
  # shellcheck disable=SC2016 # for the inner shell
  runuser -l root -c 'cgkill --pid $$; echo "status $?"; echo; cat /proc/self/cgroup' >"$OUT" 2>"$ERR"
  says "$OUT" 'session-.*scope'
  says "$OUT" '^status 4$'
  says "$ERR" 'which started this cgkill'
}

own_slice_is_refused() {
  kills 4 system.slice
  says "$ERR" 'which started this cgkill'
}

the_root_is_refused() {
  kills 4 /
  kills 4 "$base"
  kills 4 /sys/fs/cgroup
}

init_scope_is_refused() {
  kills 4 init.scope
  says "$ERR" 'contains PID 1'
  kills 4 --pid 1
  kills 4 "$base/init.scope"
}

own_unit_steps_aside() {
  systemd-run --quiet --unit=cgkill-test-own.service \
    sh -c 'sleep 1006 & cgkill --json --allow-ancestors --name cgkill-test-own.service >/run/own; touch /run/lived'
  soon 60 is_inactive cgkill-test-own.service
  soon 60 test -s /run/own
  [ ! -e /run/lived ] || fail "the shell lived"
  cp /run/own "$OUT"
  tells '.outcome == "killed" and (.spared | length) == 1'
}

as_user() { runuser -u tester -- env XDG_RUNTIME_DIR=/run/user/1000 "$@"; }

start_user_unit() {
  loginctl enable-linger tester
  soon 60 test -S /run/user/1000/bus
  # Not --machine=tester@.host, which systemd 247 does not know.
  as_user systemd-run --quiet --user --unit="$1" sh -c 'sleep 1007 & sleep 1008' || fail "no user unit"
  soon 20 count_in "$base/user.slice/user-1000.slice/user@1000.service/app.slice/$1" 3
}

kill_a_unit_of_a_user() {
  start_user_unit cgkill-test-user.service
  kills 0 show --name cgkill-test-user.service
  says "$OUT" 'systemctl --user.* stop cgkill-test-user.service'
  kills 0 --name cgkill-test-user.service
  as_user systemctl --user is-active --quiet cgkill-test-user.service && fail "it is still active"
  systemctl is-active --quiet user@1000.service || fail "the user manager is gone"
}

a_user_kills_his_own_unit() {
  start_user_unit cgkill-test-mine.service
  pids=$(pids_in /user.slice/user-1000.slice/user@1000.service/app.slice/cgkill-test-mine.service)
  as_user cgkill --name cgkill-test-mine.service >"$OUT" 2>"$ERR" || fail "status $?: $(cat "$OUT" "$ERR")"
  gone "$pids" || fail "still alive: one of $pids"
}

a_user_may_not_kill_the_systems() {
  start cgkill-test-denied.service
  as_user cgkill -t 5s --json --name cgkill-test-denied.service >"$OUT" 2>"$ERR"
  status=$?
  [ "$status" -eq 5 ] || fail "status $status: $(cat "$OUT" "$ERR")"
  count_in "$base/system.slice/cgkill-test-denied.service" 3 || fail "a process died"
  systemctl is-active --quiet cgkill-test-denied.service || fail "it is not active"
  kills 0 --name cgkill-test-denied.service
}

kill_a_user_manager() {
  start_user_unit cgkill-test-manager.service
  pids=$(pids_in /user.slice/user-1000.slice)
  kills 0 --name user-1000.slice
  gone "$pids" || fail "still alive: one of $pids"
}

kill_what_systemd_froze() {
  start cgkill-test-frozen.service
  systemctl freeze cgkill-test-frozen.service || fail "systemctl freeze failed"
  kills 0 list --frozen
  says "$OUT" cgkill-test-frozen.service
  kills 0 --name cgkill-test-frozen.service
  soon 20 is_inactive cgkill-test-frozen.service
}

freeze_and_thaw() {
  start cgkill-test-ice.service
  kills 0 freeze system.slice/cgkill-test-ice.service
  kills 0 list --frozen --json
  tells '.cgroup == "/system.slice/cgkill-test-ice.service" and .state == "frozen"'
  kills 0 thaw system.slice/cgkill-test-ice.service
  kills 0 list --frozen -q
  [ ! -s "$OUT" ] || fail "still frozen: $(cat "$OUT")"
  kills 0 --name cgkill-test-ice.service
}

# name=systemd has no freezer.
freeze_says_that_it_cannot() {
  start cgkill-test-ice.service
  kills 2 freeze system.slice/cgkill-test-ice.service
  says "$ERR" freezer
  kills 0 --name cgkill-test-ice.service
}

# The rows of systemctl kill in the comparison of scripts/README.md. `fact` lines are data; only staging can fail here.
fact() { say "fact systemctl kill, $mode: $*"; }

living() { for pid in $1; do grep -qs '^State:[[:space:]]*[^ZX[:space:]]' "/proc/$pid/status" && echo "$pid"; done | wc -l; }

# compare NAME UNIT: count the living of the unit right after the exit of systemctl, and a second later.
compare() {
  pids=$(members "$base$(path_of "$2")")
  status=0
  systemctl kill --signal=KILL "$2" || status=$?
  now=$(living "$pids")
  sleep 1
  at=$base/system.slice/$2
  fact "$1: exit $status, $now of $(echo "$pids" | wc -w) at exit, $(living "$pids") later," \
    "members $(members "$at" 2>/dev/null | wc -w), directory $([ -e "$at" ] && echo stays || echo gone)"
}

systemctl_kill_compared() {
  start cgkill-cmp-nested.service -p Delegate=yes
  tree=$base$(path_of cgkill-cmp-nested.service)
  mkdir -p "$tree/a/b"
  for pid in $(cat "$tree/cgroup.procs"); do echo "$pid" >"$tree/a/b/cgroup.procs"; done
  compare nested cgkill-cmp-nested.service
  systemd-run --quiet --unit=cgkill-cmp-bomb.service -p TasksMax=200 perl -e 'fork while 1' || fail "systemd-run failed"
  soon 60 count_in "$base/system.slice/cgkill-cmp-bomb.service" 150
  compare bomb cgkill-cmp-bomb.service
  systemctl kill --signal=KILL cgkill-cmp-bomb.service
  cgkill -t 60s --ignore-missing -q system.slice/cgkill-cmp-bomb.service || :
  if [ "$mode" = unified ]; then
    start cgkill-cmp-frozen.service
    systemctl freeze cgkill-cmp-frozen.service || fail "systemctl freeze failed"
    compare frozen cgkill-cmp-frozen.service
    cgkill -q --ignore-missing system.slice/cgkill-cmp-frozen.service || :
  fi
  # No $ in it: systemd would expand it as a variable.
  systemd-run --quiet --unit=cgkill-cmp-slow.service perl -e '@x = ("x" x (256 << 20)); sleep 1000' || fail "no unit"
  soon 60 is_big "$(systemctl show -P MainPID cgkill-cmp-slow.service)"
  compare slow cgkill-cmp-slow.service
  systemd-run --quiet --unit=cgkill-cmp-held.service sleep 1000 || fail "no unit"
  # PTRACE_SEIZE with PTRACE_O_TRACEEXIT: the process stops in its exit until the tracer is gone.
  # shellcheck disable=SC2016 # for perl
  perl -e 'syscall(101, 0x4206, $ARGV[0] + 0, 0, 0x40); sleep 60' "$(systemctl show -P MainPID cgkill-cmp-held.service)" &
  tracer=$!
  soon 20 is_traced "$(systemctl show -P MainPID cgkill-cmp-held.service)"
  compare held cgkill-cmp-held.service
  kill -9 "$tracer"
}

is_big() { [ "$(awk '/^VmRSS/ { print $2 }' "/proc/$1/status")" -gt 262144 ]; }

is_traced() { ! grep -q '^TracerPid:[[:space:]]*0$' "/proc/$1/status"; }

## From a hardened systemd service

# start_target [USER]: start the service that is to be killed. A USER owns its processes and its cgroup.
start_target() {
  # A test that failed may have left it.
  systemctl stop cgkill-test-hard.service 2>/dev/null || :
  if [ -z "${1:-}" ]; then
    start cgkill-test-hard.service --collect
  else
    start cgkill-test-hard.service --collect "--uid=$1"
    chown -R "$1" "$base$(path_of cgkill-test-hard.service)"
  fi
  pids=$(pids_in "$(path_of cgkill-test-hard.service)")
}

# kill_under SETTING...: kill it from a service with these settings. The exit status of cgkill is in $status, its output
# in $OUT and $ERR, and in $end the code and status that systemd saw: `1 5` if it exited with 5, `2 31` for SIGSYS.
kill_under() {
  settings=$*
  for setting; do
    set -- "$@" "--property=$setting"
    shift
  done
  status=0
  systemd-run --quiet --wait --pipe --unit=cgkill-test-by.service "$@" \
    /usr/local/bin/cgkill -t 20s --json --name cgkill-test-hard.service >"$OUT" 2>"$ERR" || status=$?
  end=$(systemctl show --value -P ExecMainCode -P ExecMainStatus cgkill-test-by.service | tr '\n' ' ')
  [ "$status" -eq 0 ] || systemctl reset-failed cgkill-test-by.service
  told=$(jq -rs 'map([.outcome, .method, .error.message, .error.hint] | map(strings) | join(", ")) | join("; ")' <"$OUT")
  say "fact under $settings, $mode${owner:+, target of $owner}: status $status, end ${end% }: ${told:-no message}"
}

after_hardening() {
  kills 0 list --frozen -q
  [ ! -s "$OUT" ] || fail "still frozen: $(cat "$OUT")"
  cgkill -q -t 20s --ignore-missing system.slice/cgkill-test-hard.service || fail "the target cannot be killed"
}

is_untouched() {
  # shellcheck disable=SC2086 # one word per pid
  for pid in $pids; do [ -d "/proc/$pid" ] || fail "pid $pid is gone"; done
}

# works_under SETTING...: expect the kill to succeed.
works_under() {
  start_target
  kill_under "$@"
  [ "$status" -eq 0 ] || fail "status $status: $(cat "$OUT" "$ERR")"
  tells '.outcome == "killed"'
  gone "$pids" || fail "still alive: $pids"
  after_hardening
}

# is_denied_under OWNER SETTING [MORE...]: expect that it is denied, touches nothing, and that its hint names SETTING.
# OWNER is the user whose target it is, or root.
is_denied_under() {
  owner=${1#root}
  shift
  start_target "$owner"
  kill_under "$@"
  [ "$status" -eq 5 ] || fail "status $status: $(cat "$OUT" "$ERR")"
  tells '.outcome == "denied" and .killed_count == 0'
  tells ".error.hint | contains(\"${1%%=*}=\")"
  is_untouched
  after_hardening
}

# may_stay_under SETTING [MORE...]: expect the kill, and exit status 7 with a hint that names SETTING unless systemd has
# removed the directory before cgkill tries.
may_stay_under() {
  start_target
  kill_under "$@"
  case $status in
    0) tells '.outcome == "killed"' ;;
    7) tells ".outcome == \"not-removed\" and (.error.hint | contains(\"${1%%=*}=\"))" ;;
    *) fail "status $status: $(cat "$OUT" "$ERR")" ;;
  esac
  gone "$pids" || fail "still alive: $pids"
  after_hardening
}

# is_ended_under SETTING...: expect SIGSYS before it can print anything, and that nothing was touched.
is_ended_under() {
  start_target
  kill_under "$@"
  [ "$status" -ne 0 ] || fail "status 0: $(cat "$OUT" "$ERR")"
  case $end in [23]' 31 ') ;; *) fail "not ended by SIGSYS, but by $end: $(cat "$OUT" "$ERR")" ;; esac
  [ ! -s "$OUT" ] || fail "a message, so that it could name the setting: $(cat "$OUT")"
  is_untouched
  after_hardening
}

# says_under STATUS WORD SETTING COMMAND...: expect that exit status from `cgkill COMMAND`, and a message with the word.
says_under() {
  wanted=$1 word=$2 setting=$3
  shift 3
  start_target
  status=0
  systemd-run --quiet --wait --pipe --collect "--property=$setting" cgkill "$@" >"$OUT" 2>"$ERR" || status=$?
  say "fact $1 under $setting, $mode: status $status: $(tr '\n' ' ' <"$ERR")"
  [ "$status" -eq "$wanted" ] || fail "status $status: $(cat "$OUT" "$ERR")"
  says "$ERR" "$word"
  is_untouched
  after_hardening
}

# What that hint advises.
a_delegated_unit_may_run() {
  systemd-run --quiet --wait --pipe --collect -p User=tester -p Delegate=yes cgkill run true >"$OUT" 2>"$ERR" ||
    fail "status $?: $(cat "$OUT" "$ERR")"
}

hardened_units() {
  owner=''
  for setting in MemoryDenyWriteExecute=yes SystemCallFilter=@system-service RestrictRealtime=yes ProtectProc=invisible \
    ProcSubset=pid LimitRTTIME=1s TasksMax=1 NoNewPrivileges=yes PrivateUsers=yes CapabilityBoundingSet=; do
    try works_under "$setting"
  done
  try works_under MemoryMax=16M MemorySwapMax=0
  try works_under SystemCallFilter=~@resources SystemCallErrorNumber=EPERM
  try works_under SystemCallFilter=@system-service SystemCallFilter=~@resources SystemCallErrorNumber=EPERM
  # Together: all that it works under, and the rest of what systemd-analyze security asks of a service. With PrivateUsers=
  # and TasksMax=1 systemd cannot start any service (217/USER): it needs a second process for that.
  set -- MemoryDenyWriteExecute=yes SystemCallFilter=@system-service SystemCallFilter=~@resources \
    SystemCallErrorNumber=EPERM RestrictRealtime=yes ProtectProc=invisible ProcSubset=pid LimitRTTIME=1s TasksMax=2 \
    NoNewPrivileges=yes PrivateUsers=yes CapabilityBoundingSet= MemoryMax=16M MemorySwapMax=0 \
    PrivateTmp=yes ProtectSystem=strict ProtectHome=yes PrivateDevices=yes ProtectKernelTunables=yes \
    ProtectKernelModules=yes ProtectKernelLogs=yes ProtectClock=yes ProtectHostname=yes RestrictNamespaces=yes \
    LockPersonality=yes RestrictSUIDSGID=yes PrivateNetwork=yes SystemCallArchitectures=native
  try works_under "$@"
  # Without cgroup.kill (before Linux 5.14) and without a freezer each process is signalled, which needs no write. v1
  # removes by default, which does.
  for setting in ProtectControlGroups=yes ReadOnlyPaths=/sys; do
    case $mode:$method in
      *:kill) try is_denied_under root "$setting" ;;
      legacy:*) try may_stay_under "$setting" ;;
      *) try works_under "$setting" ;;
    esac
  done
  case $mode:$method in
    *:kill) try is_denied_under root ProtectControlGroups=yes "$@" ;;
    legacy:*) try may_stay_under ProtectControlGroups=yes "$@" ;;
    *) try works_under ProtectControlGroups=yes "$@" ;;
  esac
  try is_denied_under root User=tester
  try is_denied_under root DynamicUser=yes
  try is_denied_under root DynamicUser=yes "$@"
  try is_denied_under root DynamicUser=yes "$@" ProtectControlGroups=yes
  try is_denied_under tester PrivateUsers=yes
  try is_denied_under tester CapabilityBoundingSet=
  try says_under 4 InaccessiblePaths= InaccessiblePaths=/sys/fs/cgroup kill --name cgkill-test-hard.service
  try says_under 4 TemporaryFileSystem= TemporaryFileSystem=/sys/fs/cgroup kill --name cgkill-test-hard.service
  # The other commands that write say it too. On a legacy host no unit is in a hierarchy that can freeze.
  if [ "$mode" != legacy ]; then
    try says_under 5 ProtectControlGroups= ProtectControlGroups=yes freeze --name cgkill-test-hard.service
    try says_under 5 DynamicUser= User=tester freeze --name cgkill-test-hard.service
  fi
  try says_under 5 DynamicUser= User=tester signal HUP --name cgkill-test-hard.service
  try says_under 125 ProtectControlGroups= ProtectControlGroups=yes run true
  try says_under 125 Delegate= User=tester run true
  [ "$mode" = legacy ] || try a_delegated_unit_may_run
  # Its first instructions ask for a priority, and its runtime calls prctl: a filter that kills for either ends cgkill
  # before it can print anything.
  try is_ended_under SystemCallFilter=~@resources
  try is_ended_under SystemCallFilter=~@process
}

## The standby of scripts/standby

is_waiting() { dd if=/dev/null of=/run/cgkill/kill oflag=nonblock conv=nocreat 2>/dev/null; }

journal() { journalctl -q -u cgkill-standby -o cat; }

answers() { journal | grep '^{' >"$OUT"; }

has_answered() { answers && grep -q "\"cgroup\":\"$1\"" "$OUT"; }

# ask PATH: write it to the FIFO, and expect an answer in the journal.
ask() {
  timeout 30 sh -c 'echo "$1" >/run/cgkill/kill' sh "$1" || fail "the FIFO does not accept $1"
  soon 30 has_answered "$1"
}

# dies PATH: ask for it, and expect its processes to be dead.
dies() {
  pids=$(pids_in "$1")
  ask "$1"
  tells ".outcome == \"killed\" and .cgroup == \"$1\""
  gone "$pids" || fail "still alive: one of $pids"
}

start_standby() {
  systemctl start cgkill-standby || fail "systemctl start failed"
  soon 30 is_waiting
}

standby_is_ready() {
  start_standby
  pid=$(systemctl show -P MainPID cgkill-standby)
  # Its preparation begins when it has waited for a name.
  soon 30 grep -q '^VmLck:.*[1-9]' "/proc/$pid/status"
  journal >"$OUT"
  ! grep -q 'cgkill: warn: standby: ' "$OUT" || fail "$(cat "$OUT")"
  [ "$(cat "/proc/$pid/oom_score_adj")" = -1000 ] || fail "its OOM score is $(cat "/proc/$pid/oom_score_adj")"
  says "/proc/$pid/status" '^Threads:[[:space:]]*1$'
}

standby_kills_by_an_echo() {
  start_standby
  start cgkill-warm-a.service
  start cgkill-warm-b.service
  dies "$(path_of cgkill-warm-a.service)"
  dies "$(path_of cgkill-warm-b.service)"
  ask /system.slice/none-such.service
  tells '.outcome == "not-found"'
}

standby_refuses_its_own_place() {
  start_standby
  ask "$(path_of cgkill-standby)"
  tells '.outcome == "refused" and .error.code == "holds-standby"'
  systemctl is-active --quiet cgkill-standby || fail "it is gone"
}

a_standby_that_dies_is_started_again() {
  start_standby
  before=$(systemctl show -P MainPID cgkill-standby)
  kill -9 "$before"
  start cgkill-warm-again.service
  dies "$(path_of cgkill-warm-again.service)"
  [ "$(systemctl show -P MainPID cgkill-standby)" != "$before" ] || fail "it is the same process"
  systemctl stop cgkill-standby
  [ ! -e /run/cgkill ] || fail "its directory is left behind"
}

nothing_is_left_behind() {
  kills 0 list --frozen -q
  [ ! -s "$OUT" ] || fail "still frozen: $(cat "$OUT")"
  traps=$(find /sys/fs/cgroup -name 'cgkill-trap-*')
  [ -z "$traps" ] || fail "traps: $traps"
  systemctl is-active --quiet dbus.service systemd-logind.service systemd-journald.service || fail "a service died"
}

suite_systemd() {
  mode=$(sed 's/.*cgkill\.mode=\([a-z]*\).*/\1/' /proc/cmdline)
  method='kill'
  case $mode in
    unified) base=/sys/fs/cgroup ;;
    hybrid) base=/sys/fs/cgroup/unified ;;
    legacy) base=/sys/fs/cgroup/systemd method='sweep' ;;
  esac
  # Kernels before 5.14 have no cgroup.kill; the root cgroup never has one.
  [ "$mode" = legacy ] || [ -e "$base/system.slice/cgroup.kill" ] || method='freezer'
  try it_is_that_layout
  try list_knows_the_unit
  try show_knows_the_unit
  try kill_by_name
  try kill_and_remove
  try kill_by_pid
  try kill_with_grace
  try kill_many_by_glob
  try kill_a_slice_of_two
  try kill_what_is_started_again
  try kill_what_is_started_again_at_once
  try kill_a_delegated_tree
  try kill_a_scope
  try kill_a_fork_bomb
  try kill_a_login_session
  try own_session_is_refused
  try own_slice_is_refused
  try the_root_is_refused
  try init_scope_is_refused
  try own_unit_steps_aside
  try kill_a_unit_of_a_user
  try a_user_kills_his_own_unit
  try a_user_may_not_kill_the_systems
  try kill_a_user_manager
  [ "$mode" != unified ] || try kill_what_systemd_froze
  if [ "$mode" = legacy ]; then try freeze_says_that_it_cannot; else try freeze_and_thaw; fi
  try standby_is_ready
  try standby_kills_by_an_echo
  try standby_refuses_its_own_place
  try a_standby_that_dies_is_started_again
  hardened_units
  try systemctl_kill_compared
  try nothing_is_left_behind
}

## With the shell of busybox as PID 1

# sleepers DIRECTORY COUNT: start processes that join the cgroup.
sleepers() {
  mkdir -p "$1"
  for _ in $(seq "$2"); do sh -c 'echo $$ >"$1/cgroup.procs"; exec sleep 1001' - "$1" >/dev/null & done
  soon 20 count_in "$1" "$2"
}

the_layout_is_unified() { is_layout unified; }

kill_a_tree_and_remove_it() {
  sleepers "$base/tree/one" 10
  sleepers "$base/tree/two" 10
  pids=$(pids_in /tree)
  method='kill'
  [ -e "$base/tree/cgroup.kill" ] || method='freezer'
  kills 0 -r --json tree
  # It need not list all twenty: its scan before the write has four milliseconds, which is little under emulation.
  tells '.outcome == "killed" and .method == "'"$method"'" and .removed'
  gone "$pids" || fail "still alive: one of $pids"
  [ ! -e "$base/tree" ] || fail "the directory is still there"
}

kill_a_bomb_in_a_cgroup() {
  echo +pids >"$base/cgroup.subtree_control"
  mkdir "$base/bomb"
  echo 200 >"$base/bomb/pids.max"
  sh -c 'echo $$ >/sys/fs/cgroup/bomb/cgroup.procs; exec perl -e "fork while 1"' >/dev/null &
  soon 60 count_in "$base/bomb" 150
  kills 0 -t 60s -r bomb
}

pid_1_is_refused() {
  mkdir "$base/first"
  echo 1 >"$base/first/cgroup.procs"
  kills 4 first
  says "$ERR" 'contains PID 1'
  echo 1 >"$base/cgroup.procs"
  kills 4 /
  kills 4 --hierarchy v2 "$base"
}

v1_freezer_beside_v2() {
  mkdir -p /freezer
  mount -t cgroup -o freezer none /freezer || fail "no v1 freezer"
  is_layout hybrid
  sleepers /freezer/same 3
  sleepers "$base/same" 3
  kills 2 same
  echo FROZEN >/freezer/same/freezer.state
  kills 0 --json /freezer/same
  tells '.outcome == "killed" and .method == "freezer" and .removed'
  count_in "$base/same" 3 || fail "the other one of that name was killed"
  kills 0 -r same
}

standby_of_a_shell() {
  base=/sys/fs/cgroup
  sleepers "$base/warm" 3
  pids=$(pids_in /warm)
  /usr/local/lib/cgkill/standby.sh >"$OUT" 2>"$ERR" &
  soon 30 test -p /run/cgkill/kill
  soon 30 is_waiting
  echo /warm >/run/cgkill/kill
  soon 30 grep -q outcome "$OUT"
  tells '.outcome == "killed" and .cgroup == "/warm"'
  gone "$pids" || fail "still alive: one of $pids"
  kill "$!"
}

suite_busybox() {
  base=/sys/fs/cgroup
  mount -t proc none /proc
  mount -t sysfs none /sys
  mount -t devtmpfs none /dev
  mount -t tmpfs none /run
  mount -t cgroup2 none "$base"
  try the_layout_is_unified
  try kill_a_tree_and_remove_it
  try kill_a_bomb_in_a_cgroup
  try standby_of_a_shell
  try pid_1_is_refused
  try v1_freezer_beside_v2
}

# What the host is, for the row of it in scripts/hosts/matrix.sh.
systemd=$(systemctl --version 2>/dev/null | sed -n '1s/^systemd \([0-9]*\).*/systemd \1/p')
libc=$(getconf GNU_LIBC_VERSION 2>/dev/null)
case $$:${1:-} in
  1:) exec busybox sh "$0" busybox ;;
  *)
    "suite_$1"
    say "# $(uname -sr), ${libc:-no libc}, ${systemd:-no systemd}"
    ;;
esac
say "done"
busybox poweroff -f
