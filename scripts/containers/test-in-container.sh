#!/usr/bin/env bash
# Runs the whole gate (scripts/check.ts) on a clean copy of HEAD inside containers of Podman or Docker:
#   host          privileged, in the host's cgroup namespace
#   private       privileged, in a cgroup namespace of its own
#   unprivileged  root without privileges: tests that need real cgroups are skipped, and the run says so
# The arguments choose among them; the default is all three. The image is made once, by mmdebstrap; nothing is pulled,
# and the containers have no network. Fails if any run fails.
#
# ENGINE=podman|docker and IMAGE=NAME override the defaults. MEMORY (default 4g) limits each container.
set -euo pipefail
cd "$(dirname "$0")/../.."

fail() {
  echo "test-in-container.sh: $1" >&2
  exit 1
}

engine=${ENGINE:-}
for candidate in podman docker; do
  if [ -z "$engine" ] && "$candidate" info >/dev/null 2>&1; then engine=$candidate; fi
done
[ -n "$engine" ] || fail "neither Podman nor Docker is available"
[ -d node_modules ] || fail "node_modules is missing: npm ci"
bun=$(readlink -f node_modules/.bin/bun)
[ -x "$bun" ] || fail "Bun is missing: npm ci"

image=${IMAGE:-localhost/cgkill-test}
if ! "$engine" image inspect "$image" >/dev/null 2>&1; then
  command -v mmdebstrap >/dev/null || fail "no image $image, and mmdebstrap is not installed to make one"
  echo "making the image $image" >&2
  mmdebstrap --quiet --variant=minbase --include=strace bookworm - | "$engine" import - "$image" >/dev/null
fi

scratch=$(mktemp -d)
# An interrupted run leaves no container and no cgroup behind.
cleanUp() {
  local cidfile
  for cidfile in "$scratch"/*.cid; do
    if [ -s "$cidfile" ]; then "$engine" rm --force "$(cat "$cidfile")" >/dev/null || true; fi
  done
  rm -rf "$scratch"
}
trap cleanUp EXIT
trap 'exit 130' INT TERM HUP

options=(--rm --network none --memory "${MEMORY:-4g}" --pids-limit 30000 --workdir /cgkill --env PATH=/cgkill/node_modules/.bin:/usr/bin:/usr/sbin)
# Engines ask for limits above their own, which takes CAP_SYS_RESOURCE; the host itself may lack it.
options+=(--ulimit "nofile=$(ulimit -Hn):$(ulimit -Hn)" --ulimit nproc=10000:10000)
engineOptions=()
if [ "$engine" = podman ]; then
  options+=(--cgroups enabled)
  # crun refuses a hybrid host on which v2 has controllers.
  if command -v runc >/dev/null; then engineOptions+=(--runtime runc); fi
fi

# No runtime mounts v2 beside v1: this lets a container on a hybrid host see its own cgroup in both. The shell stays
# PID 1 and reaps.
# shellcheck disable=SC2016
inside='
if [ "$1" != unprivileged ] && grep -q freezer /proc/self/cgroup && ! grep -q " - cgroup2 " /proc/self/mountinfo; then
  mkdir -p /sys/fs/cgroup/unified
  mount -t cgroup2 none /mnt
  mount --bind "/mnt$(sed -n "s/^0:://p" /proc/self/cgroup)" /sys/fs/cgroup/unified
  umount /mnt
fi
timeout -k 10 1200 bun scripts/check.ts
exit $?'

run() {
  local kind=$1 flags=() copy=$scratch/$1 log=$scratch/$1.log status=0
  case $kind in
    host | private) flags=(--privileged --cgroupns "$kind") ;;
    unprivileged) flags=(--cgroupns private) ;;
    *) fail "unknown run: $kind (host, private, unprivileged)" ;;
  esac
  mkdir "$copy"
  git archive HEAD | tar -x -C "$copy"
  cp -a node_modules "$copy/node_modules"
  "$engine" "${engineOptions[@]}" run "${options[@]}" "${flags[@]}" --cidfile "$scratch/$kind.cid" --volume "$copy:/cgkill" "$image" \
    sh -c "$inside" sh "$kind" >"$log" 2>&1 &
  # In the background: a trap runs only between two commands, and PID 1 of the container ignores signals.
  wait $! || status=$?
  grep -E '^(left out: |\(fail\)|FAILED )' "$log" | sort -u || true
  [ "$status" -eq 0 ] || [ -n "${QUIET:-}" ] || tail -n 100 "$log"
  # Bun's summary has lines like " 123 pass" and " 4 fail".
  local passed failed
  passed=$(sed -nE 's/^ *([0-9]+) pass$/\1/p' "$log" | tail -1)
  failed=$(sed -nE 's/^ *([0-9]+) fail$/\1/p' "$log" | tail -1)
  echo "$engine, $kind: ${passed:-no tests} passed, ${failed:-0} failed, exit status $status"
  rm -rf "$copy"
  return "$status"
}

runs=("$@")
[ ${#runs[@]} -gt 0 ] || runs=(host private unprivileged)
worst=0
for kind in "${runs[@]}"; do run "$kind" || worst=1; done
exit "$worst"
