#!/bin/sh
# The hosts that cgkill is tried on, one row and command each. Without arguments, lists the rows; with the names of
# rows, or "all", runs those and prints the result of each. All of them take hours, because machines with other kernels
# are emulated in software.
#
#   scripts/hosts/matrix.sh [ROW... | all]
#
# Needs root, an x86-64 host, a network, `npm run build -- --release`, and: apt-get install mmdebstrap qemu-system-x86 cpio
# qemu-user-static musl gcc gcc-aarch64-linux-gnu podman runc. Logs are in dist/hosts.
set -eu
cd "$(dirname "$0")/../.."
readonly LOGS="$PWD/dist/hosts"

# ROW | what is special about it | COMMAND
rows() {
  cat <<'ROWS'
host|this kernel, systemd or not, glibc of the host|node_modules/.bin/bun scripts/check.ts real
glibc-2.31|the C library of Debian 11, nothing else in the root directory|scripts/release/try-targets.sh linux-x64@bullseye
glibc-2.36|the same with Debian 12|scripts/release/try-targets.sh linux-x64@bookworm
glibc-2.41|the same with Debian 13|scripts/release/try-targets.sh linux-x64@trixie
glibc-newest|the same with Debian unstable|scripts/release/try-targets.sh linux-x64@sid
kernel-5.10|Linux 5.10 and systemd 247, all cgroup modes, busybox as init|SUITE=bullseye scripts/vm/test-in-vm.sh
kernel-6.1|Linux 6.1 and systemd 252, all cgroup modes, busybox as init|SUITE=bookworm scripts/vm/test-in-vm.sh
kernel-6.12|Linux 6.12 and systemd 257, v2 only, busybox as init|SUITE=trixie scripts/vm/test-in-vm.sh unified busybox
kernel-newest|kernel and systemd of Debian unstable, v2 only, busybox as init|SUITE=sid scripts/vm/test-in-vm.sh unified busybox
arm64|under qemu-user, glibc|scripts/release/try-targets.sh linux-arm64
musl|musl of Debian|scripts/release/try-targets.sh linux-x64-musl
arm64-musl|under qemu-user, musl of Debian|scripts/release/try-targets.sh linux-arm64-musl
container-host|Podman, privileged, cgroup namespace of the host|scripts/containers/test-in-container.sh host
container-private|Podman, privileged, a cgroup namespace of its own|scripts/containers/test-in-container.sh private
container-unprivileged|Podman, root without privileges|scripts/containers/test-in-container.sh unprivileged
ROWS
}

if [ $# -eq 0 ]; then
  rows | while IFS='|' read -r name what command; do printf '%-24s %s\n%-24s %s\n' "$name" "$what" '' "$command"; done
  exit 0
fi

# shellcheck disable=SC2046 # words
[ "$*" != all ] || set -- $(rows | cut -d'|' -f1)
for name in "$@"; do
  rows | grep -q "^$name|" || {
    echo "matrix.sh: $name: no such row" >&2
    exit 2
  }
done
mkdir -p "$LOGS"
failed=0
for name in "$@"; do
  command=$(rows | sed -n "s/^$name|[^|]*|//p")
  start=$(date +%s) verdict=ok
  sh -c "$command" >"$LOGS/$name.log" 2>&1 </dev/null || { verdict=FAILED && failed=1; }
  # The last line of the log that sums up the row.
  told=$(grep -aE '^# |; killed on:|passed, ' "$LOGS/$name.log" | tail -1)
  printf '%-6s %-24s %5d s  %s\n' "$verdict" "$name" $(($(date +%s) - start)) "${told:-see $LOGS/$name.log}"
done
exit "$failed"
