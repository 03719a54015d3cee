#!/bin/sh
# Installs cgkill from a release directory: picks the binary for this machine, checks its sum, tries it, and installs it
# with its man page and completions below PREFIX (default /usr/local). install.sh --uninstall removes them.
#
# Every file is first written to a private directory beside its destination, checked there and then renamed: a failure
# leaves nothing behind, and a partial binary is never run. Needs POSIX utilities and sha256sum.
set -euf
umask 022
# A relative directory is relative to the working directory, whatever CDPATH says.
unset CDPATH
export LC_ALL=C
newline='
'

fail() {
  printf 'install.sh: %s\n' "$1" >&2
  exit 1
}

usage() {
  echo 'usage: [PREFIX=DIRECTORY] install.sh [RELEASE-DIRECTORY | --uninstall]' >&2
  exit 2
}

# absolute PATH: print an absolute path, which a leading "-" cannot turn into an option.
absolute() {
  case $1 in
    /*) printf '%s\n' "$1" ;;
    *) printf '%s\n' "$(pwd)/$1" ;;
  esac
}

[ $# -le 1 ] || usage
prefix=$(absolute "${PREFIX:-/usr/local}")
case $prefix in *"$newline"*) fail "PREFIX: contains a newline" ;; esac
bin=$prefix/bin/cgkill
man=$prefix/share/man/man1/cgkill.1
bash=$prefix/share/bash-completion/completions/cgkill
zsh=$prefix/share/zsh/site-functions/_cgkill
fish=$prefix/share/fish/vendor_completions.d/cgkill.fish

case ${1:-} in
  --uninstall)
    rm -f -- "$bin" "$man" "$bash" "$zsh" "$fish"
    printf 'removed cgkill from %s\n' "$prefix"
    exit 0
    ;;
  -*) usage ;;
esac

here=$(absolute "$(dirname -- "$0")")
from=${1:+$(absolute "$1")}
[ -n "$from" ] || for from in "$here" "$here/../../dist/release"; do [ -f "$from/SHA256SUMS" ] && break; done
[ -f "$from/SHA256SUMS" ] || fail "$from: contains no release (no SHA256SUMS); name the directory of one"

case $(uname -m) in
  x86_64) cpu=x64 machine='3e 00' ;;
  aarch64 | arm64) cpu=arm64 machine='b7 00' ;;
  *) fail "no binary for $(uname -m), only for x86_64 and aarch64" ;;
esac
name=cgkill-linux-$cpu
# A glibc host may have musl installed too; there `ldd` is glibc's.
if [ -e "/lib/ld-musl-$(uname -m).so.1" ] && ! ldd --version 2>&1 | grep -qiE 'glibc|gnu'; then name=$name-musl; fi
[ -f "$from/$name" ] || fail "$from/$name: not in this release"

# checked FILE NAME: does FILE have the sum that SHA256SUMS lists for NAME?
checked() {
  [ -f "$1" ] || return 1
  sum=$(sha256sum <"$1") || return 1
  grep -qxF -e "${sum%% *}  $2" "$from/SHA256SUMS"
}
for file in "$name" cgkill.1 cgkill.bash cgkill.zsh cgkill.fish; do
  checked "$from/$file" "$file" || fail "$from/$file: its checksum is wrong or missing; nothing was installed"
done

# One path per line, newest first.
staged='' made=''
clean() {
  status=$?
  trap - 0
  IFS=$newline
  for at in $staged; do rm -rf -- "$at"; done
  for at in $made; do rmdir -- "$at" 2>/dev/null || :; done
  exit "$status"
}
trap clean 0
trap 'exit 129' 1
trap 'exit 130' 2
trap 'exit 143' 15

make_directory() {
  [ ! -d "$1/" ] || return 0
  make_directory "${1%/*}"
  mkdir -- "$1" || fail "$1: the directory cannot be made; nothing was installed"
  made=$1$newline$made
}

# stage MODE FILE PLACE: copy FILE to a private directory beside PLACE. mkdir follows no link.
stage() {
  [ ! -d "$3" ] || fail "$3: is a directory; nothing was installed"
  dir=${3%/*}
  make_directory "$dir"
  case $(ls -ld -- "$dir/.") in
    ????????w[!tT]*) fail "$dir: every user may replace files in it; nothing was installed" ;;
  esac
  at=$dir/.cgkill-install.$$
  mkdir -m 0700 -- "$at" || fail "$at: cannot be made; nothing was installed"
  staged=$at$newline$staged
  # Never overwrite a file, never follow a link.
  (set -C && cat <"$from/$2" >"$at/new") || fail "$at: cannot be written; nothing was installed"
  checked "$at/new" "$2" || fail "$at: was not written in full; nothing was installed"
  chmod "$1" "$at/new"
}

# put PLACE: move the staged file to PLACE.
put() {
  mv -f -- "${1%/*}/.cgkill-install.$$/new" "$1"
  if [ ! -f "$1" ] || [ -L "$1" ]; then fail "$1: was replaced during the installation"; fi
}

stage 0755 "$name" "$bin"
stage 0644 cgkill.1 "$man"
stage 0644 cgkill.bash "$bash"
stage 0644 cgkill.zsh "$zsh"
stage 0644 cgkill.fish "$fish"
# A shell runs what the kernel cannot execute as a script: check the architecture of the ELF file first.
case $(od -An -tx1 -N20 <"$from/$name" | tr '\n' ' ' | tr -s ' ') in
  ' 7f 45 4c 46 '*" $machine "*) ;;
  ' 7f 45 4c 46 '*) fail "$from/$name: is for another architecture; nothing was installed" ;;
esac
version=$("$prefix/bin/.cgkill-install.$$/new" --version) ||
  fail "$name: does not run in $prefix/bin (mounted noexec, or no C library for it?); nothing was installed"
for place in "$man" "$bash" "$zsh" "$fish" "$bin"; do put "$place"; done
made=''
printf '%s\n' "${version%%"$newline"*}" || :
