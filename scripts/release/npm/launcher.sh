#!/bin/sh
# Runs the cgkill of the npm package for this machine, @cgkill/linux-CPU[-musl], in place of itself: process, signals and
# exit status are those of cgkill.
set -ef

fail() {
  printf 'cgkill: %s\n' "$1" >&2
  exit 1
}

case $(uname -s -m) in
  'Linux x86_64') cpu=x64 ;;
  'Linux aarch64' | 'Linux arm64') cpu=arm64 ;;
  *) fail "no binary for $(uname -s -m), only for Linux on x86_64 and aarch64" ;;
esac
package=@cgkill/linux-$cpu
# A glibc host may have musl installed too; there `ldd` is glibc's.
if [ -e "/lib/ld-musl-$(uname -m).so.1" ] && ! ldd --version 2>&1 | grep -qiE 'glibc|gnu'; then package=$package-musl; fi

# Search as Node does, in each node_modules directory above this file, which npm starts through a symbolic link.
dir=$(readlink -f -- "$0") || fail "$0: cannot be resolved"
while dir=${dir%/*} && [ -n "$dir" ]; do
  binary=$dir/node_modules/$package/bin/cgkill
  if [ -f "$binary" ]; then exec "$binary" "$@"; fi
done
fail "the package $package is not installed; it is an optional dependency: was npm called with --omit=optional?"
