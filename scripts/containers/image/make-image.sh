#!/bin/sh
# Makes a container image of nothing but cgkill, without a network: the binary, the libraries of this host that it is linked
# to, and the licences. The same binary and libraries give the same image.
#
#   scripts/containers/image/make-image.sh [BINARY [IMAGE]]
#
# BINARY (default dist/cgkill) must be for this machine. IMAGE is localhost/cgkill:VERSION by default. Prints the digest for
# scripts/fleet/job.yaml. ENGINE=podman|docker chooses the engine; with ENGINE=none only the build context is made, in
# the directory IMAGE.
set -euf
cd "$(dirname "$0")/../../.."

fail() {
  printf 'make-image.sh: %s\n' "$1" >&2
  exit 1
}

binary=${1:-dist/cgkill}
[ -x "$binary" ] || fail "$binary: is missing; npm run build"
version=$("$binary" --version | sed -n '1s/^cgkill \([^ ]*\) .*/\1/p')
[ -n "$version" ] || fail "$binary: does not run here"
image=${2:-localhost/cgkill:$version}
engine=${ENGINE:-podman}

if [ "$engine" = none ]; then
  context=$image
  mkdir -- "$context"
else
  command -v "$engine" >/dev/null || fail "$engine: is not installed"
  context=$(mktemp -d)
  trap 'rm -rf -- "$context"' EXIT
fi

root=$context/root
mkdir -p "$root/usr/bin" "$root/usr/share/doc/cgkill" "$root/proc" "$root/sys/fs/cgroup"
cp -- "$binary" "$root/usr/bin/cgkill"
cp LICENSE "$root/usr/share/doc/cgkill/"
"$binary" --licenses >"$root/usr/share/doc/cgkill/THIRD-PARTY"
# Each library under the name by which the loader looks for it, the loader itself included, with its licence where Debian
# has it.
libraries=$(ldd "$binary" | sed -nE 's/^.*[[:space:]](\/[^[:space:]]+) \(0x[0-9a-f]+\)$/\1/p' | sort -u)
[ -n "$libraries" ] || fail "$binary: ldd names no libraries"
for library in $libraries; do
  mkdir -p "$root${library%/*}"
  cp -L -- "$library" "$root$library"
  case ${library##*/} in
    libc.so.*) package=libc6 ;;
    ld-musl-*) package=musl ;;
    libstdc++.so.*) package=libstdc++6 ;;
    libgcc_s.so.*) package=libgcc-s1 ;;
    *) continue ;;
  esac
  notice=/usr/share/doc/$package/copyright
  if [ -f "$notice" ]; then mkdir -p "$root${notice%/*}" && cp -L -- "$notice" "$root$notice"; fi
done
cp scripts/containers/image/Containerfile "$context/"
[ "$engine" != none ] || exit 0

# The date of every layer and file.
date=$(git log -1 --format=%ct 2>/dev/null) || date=0
find "$context" -exec touch --no-dereference --date="@$date" {} +
case $engine in
  podman) podman build --quiet --network none --timestamp "$date" --tag "$image" --file "$context/Containerfile" "$context" >/dev/null ;;
  *) SOURCE_DATE_EPOCH=$date "$engine" build --quiet --network none --tag "$image" --file "$context/Containerfile" "$context" >/dev/null ;;
esac
# Without its tag; a colon before the last slash is that of a port.
case ${image##*/} in *:*) image_name=${image%:*} ;; *) image_name=$image ;; esac
printf '%s\n' "$image_name@$("$engine" image inspect --format '{{.Digest}}' "$image")"
