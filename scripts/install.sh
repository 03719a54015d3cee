#!/bin/sh
# Installs cgkill from a release directory: picks the binary for this machine, checks its sum, installs it with its man
# page and completions. Undo: install.sh --uninstall. PREFIX (default /usr/local) says where to.
set -eu

prefix=${PREFIX:-/usr/local}
bin=$prefix/bin/cgkill
man=$prefix/share/man/man1/cgkill.1
bash=$prefix/share/bash-completion/completions/cgkill
zsh=$prefix/share/zsh/site-functions/_cgkill
fish=$prefix/share/fish/vendor_completions.d/cgkill.fish

fail() {
  echo "install.sh: $1" >&2
  exit 1
}

if [ "${1:-}" = --uninstall ]; then
  rm -f "$bin" "$man" "$bash" "$zsh" "$fish"
  echo "removed cgkill from $prefix"
  exit 0
fi

here=$(cd "$(dirname "$0")" && pwd)
from=${1:-}
[ -n "$from" ] || for from in "$here" "$here/../dist/release"; do [ -f "$from/SHA256SUMS" ] && break; done
[ -f "$from/SHA256SUMS" ] || fail "no release in $from: give its directory"

case $(uname -m) in
  x86_64) cpu=x64 ;;
  aarch64 | arm64) cpu=arm64 ;;
  *) fail "no binary for $(uname -m): x86_64 and aarch64 are built" ;;
esac
name=cgkill-linux-$cpu
# A host of glibc can have musl beside it; there `ldd` is glibc's.
if [ -e "/lib/ld-musl-$(uname -m).so.1" ] && ! ldd --version 2>&1 | grep -qiE 'glibc|gnu'; then name=$name-musl; fi
[ -f "$from/$name" ] || fail "$from/$name: not in this release"

sum() { grep " $1\$" "$from/SHA256SUMS" || fail "$1: has no sum in SHA256SUMS"; }
for file in "$name" cgkill.1 cgkill.bash cgkill.zsh cgkill.fish; do
  (cd "$from" && sum "$file" | sha256sum -c - >/dev/null 2>&1) || fail "$from/$file: its checksum is wrong; nothing was installed"
done

# Renamed into place, so that nobody ever runs half a binary.
put() {
  mkdir -p "$(dirname "$3")"
  cp "$from/$2" "$3.new.$$"
  chmod "$1" "$3.new.$$"
  mv "$3.new.$$" "$3"
}
put 0755 "$name" "$bin"
put 0644 cgkill.1 "$man"
put 0644 cgkill.bash "$bash"
put 0644 cgkill.zsh "$zsh"
put 0644 cgkill.fish "$fish"
"$bin" --version | head -1
