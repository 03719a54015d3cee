#!/bin/sh
# Tries each binary of dist/release as far as this machine can: starts it, lists, and kills one process each on v2, in
# the v1 freezer and by the sweep. Foreign architectures run under qemu-user. The musl binaries run with Debian's musl
# and, because Debian has no libstdc++ for musl, with glibc's and scripts/release/targets/shim.c. A TARGET such
# as linux-x64@bullseye runs in a root directory that contains only the C library of that suite of Debian. Debian's
# packages are unpacked in dist/targets.
#
#   npm run build -- --release && scripts/release/try-targets.sh [TARGET]...
#
# Another release directory: RELEASE=DIRECTORY.
# Needs root, an x86-64 host, and: apt-get install musl gcc gcc-aarch64-linux-gnu qemu-user-static
set -eu

cd "$(dirname "$0")/../.."
readonly WORK="$PWD/dist/targets" RELEASE="${RELEASE:-$PWD/dist/release}"

fail() {
  echo "try-targets.sh: $1" >&2
  exit 1
}

# unpack ARCHITECTURE PACKAGE...: download and unpack into $WORK/ARCHITECTURE, without touching the host's apt.
unpack() {
  arch=$1
  shift
  [ ! -e "$WORK/$arch/done" ] || return 0
  mkdir -p "$WORK/apt-$arch/lists/partial" "$WORK/apt-$arch/cache/archives/partial" "$WORK/$arch"
  apt="apt-get -qq -o APT::Architecture=$arch -o APT::Architectures=$arch -o Dir::State::status=/dev/null
    -o Dir::State::Lists=$WORK/apt-$arch/lists -o Dir::Cache=$WORK/apt-$arch/cache -o APT::Sandbox::User=root"
  # shellcheck disable=SC2086 # words
  (cd "$WORK/apt-$arch" && $apt update && $apt download "$@") || fail "cannot download the packages for $arch"
  for deb in "$WORK/apt-$arch"/*.deb; do dpkg-deb -x "$deb" "$WORK/$arch"; done
  touch "$WORK/$arch/done"
}

# only_libc SUITE: make a root directory with the C library of a suite of Debian and the binary; print its glibc.
only_libc() {
  lists=$WORK/apt-$1 root=$WORK/$1
  if [ ! -e "$root/done" ]; then
    mkdir -p "$lists/lists/partial" "$lists/cache/archives/partial" "$root/proc" "$root/sys" "$root/usr/lib" "$root/usr/lib64"
    # As on hosts, /lib is a link; older packages of the C library still contain it as a directory.
    ln -sfn usr/lib "$root/lib" && ln -sfn usr/lib64 "$root/lib64"
    keyring=/usr/share/keyrings/debian-archive-keyring.gpg
    echo "deb [signed-by=$keyring] http://deb.debian.org/debian $1 main" >"$lists/sources.list"
    apt="apt-get -qq -o Dir::State::status=/dev/null -o Dir::Etc::sourcelist=$lists/sources.list -o Dir::Etc::sourceparts=/dev/null
      -o Dir::State::Lists=$lists/lists -o Dir::Cache=$lists/cache -o APT::Sandbox::User=root"
    # shellcheck disable=SC2086 # words
    (cd "$lists" && $apt update && $apt download libc6) || fail "cannot download the C library of $1"
    dpkg-deb --fsys-tarfile "$lists"/libc6_*.deb | tar -x --keep-directory-symlink -C "$root"
    touch "$root/done"
  fi
  cp "$RELEASE/cgkill-linux-x64" "$root/cgkill"
  strings "$root/lib/x86_64-linux-gnu/libc.so.6" | sed -n 's/^GNU C Library.* version \([0-9.]*[0-9]\).*/\1/p' >"$root/version"
}

# musl_libraries ARCHITECTURE COMPILER LOADER: collect the libraries that our musl binaries need in addition to musl.
musl_libraries() {
  into=$WORK/$1/for-musl
  mkdir -p "$into"
  for name in libstdc++.so.6 libgcc_s.so.1; do
    cp -L "$(find "$WORK/$1" -path "$into" -prune -o -name "$name" -print | head -1)" "$into/"
  done
  # Named like glibc's loader, which both libraries depend on.
  "$2" -shared -fPIC -nostdlib -o "$into/$3" scripts/release/targets/shim.c
}

is_dead() { ! grep -qs '^State:[[:space:]]*[^ZX[:space:]]' "/proc/$1/status"; }

mount_of() { awk -v type="$1" -v word="$2" '$(NF-2) == type && (word == "" || "," $NF "," ~ "," word ",") { print $5; exit }' /proc/self/mountinfo; }

# kills MOUNT COMMAND...: kill one sleeper in a new cgroup there, and check that it is dead.
kills() {
  dir=$1/cgkill-test-target-$$
  shift
  mkdir "$dir"
  sleep 300 &
  pid=$!
  echo "$pid" >"$dir/cgroup.procs"
  verdict=0
  timeout 60 "$@" -q "$dir" </dev/null >&2 || verdict=$?
  is_dead "$pid" || { verdict="$verdict, and the process is alive" && kill -9 "$pid"; }
  wait "$pid" 2>/dev/null || :
  [ ! -d "$dir" ] || rmdir "$dir"
  [ "$verdict" = 0 ]
}

# try TARGET COMMAND...: run every check, and print one line.
try() {
  target=$1 told='' bad=''
  shift
  timeout 60 "$@" --version </dev/null >"$WORK/version" || bad=' --version'
  timeout 60 "$@" list --json </dev/null >"$WORK/list" || bad="$bad list"
  for place in 'cgroup2 v2' 'cgroup freezer' 'cgroup memory'; do
    point=$(mount_of "${place% *}" "$([ "${place#* }" = v2 ] || echo "${place#* }")")
    [ -n "$point" ] || continue
    if kills "$point" "$@"; then told="$told ${place#* }"; else bad="$bad ${place#* }"; fi
  done
  printf '%-32s %s; killed on:%s; failed:%s\n' "$target" "$(head -1 "$WORK/version")" "${told:- nothing}" "${bad:- nothing}"
  [ -z "$bad" ]
}

[ "$(id -u)" = 0 ] || fail "needs root to make cgroups"
[ "$(uname -m)" = x86_64 ] || fail "needs an x86-64 host"
[ -x "$RELEASE/cgkill-linux-x64" ] || fail "$RELEASE is missing: npm run build -- --release"
for tool in gcc aarch64-linux-gnu-gcc qemu-aarch64-static dpkg-deb; do
  command -v "$tool" >/dev/null || fail "$tool is missing: apt-get install gcc gcc-aarch64-linux-gnu qemu-user-static"
done
[ $# -gt 0 ] || set -- linux-x64 linux-arm64 linux-x64-musl linux-arm64-musl

mkdir -p "$WORK"
failed=0
for target in "$@"; do
  binary=$RELEASE/cgkill-${target%%@*}
  case $target in
    linux-x64) set -- "$binary" ;;
    linux-x64@*)
      suite=${target#*@}
      only_libc "$suite"
      # shellcheck disable=SC2016 # for the shell in there
      set -- unshare --mount --propagation private sh -c 'mount --rbind /sys "$0/sys" && mount -t proc proc "$0/proc" &&
        exec chroot "$0" /cgkill "$@"' "$WORK/$suite"
      target="$target (glibc $(cat "$WORK/$suite/version"))"
      ;;
    linux-arm64)
      unpack arm64 libc6 musl libstdc++6 libgcc-s1
      set -- qemu-aarch64-static -L "$WORK/arm64" "$binary"
      ;;
    linux-x64-musl)
      unpack amd64 musl libstdc++6 libgcc-s1
      musl_libraries amd64 gcc ld-linux-x86-64.so.2
      # The binary contains the path of the loader.
      [ -e /lib/ld-musl-x86_64.so.1 ] || fail "musl is missing: apt-get install musl"
      set -- env "LD_LIBRARY_PATH=$WORK/amd64/for-musl" "$binary"
      ;;
    linux-arm64-musl)
      unpack arm64 libc6 musl libstdc++6 libgcc-s1
      musl_libraries arm64 aarch64-linux-gnu-gcc ld-linux-aarch64.so.1
      set -- qemu-aarch64-static -L "$WORK/arm64" -E "LD_LIBRARY_PATH=$WORK/arm64/for-musl" \
        -E "LD_PRELOAD=$WORK/arm64/for-musl/ld-linux-aarch64.so.1" "$binary"
      ;;
    *) fail "$target: no such target" ;;
  esac
  try "$target" "$@" || failed=1
done
exit "$failed"
