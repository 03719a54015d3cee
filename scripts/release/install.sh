#!/bin/sh
# Installs cgkill from a release: picks the binary for this machine, checks signature and sums, tries it, and installs it
# with man page, completions and licences below PREFIX (default /usr/local). The same call upgrades; --uninstall removes
# what was installed, and the directories that were made for it.
#
#   install.sh [--key=KEY] [DIRECTORY | URL | VERSION]
#
# KEY is a public key of OpenSSH, or a file with one: then a release is refused unless SHA256SUMS.sig is made with it. A
# URL is that of the release directory; a VERSION is a directory below CGKILL_URL.
#
# Every file is first written to a private directory beside its destination, checked there and then renamed, the binary
# last: a failure leaves everything as it was, and a partial binary is never run. Needs POSIX utilities and sha256sum;
# for a URL curl or wget, gzip and mktemp; for a key ssh-keygen (OpenSSH 8.1 or later) and mktemp.
set -euf
umask 022
# A relative directory is relative to the working directory, whatever CDPATH says.
unset CDPATH
export LC_ALL=C
newline='
'
# Set in the installer of a release that is signed, as "type base64", or that has an address.
built_in_key=''
built_in_url=''

say() { printf 'install.sh: %s\n' "$1" >&2; }
fail() {
  say "$1"
  exit 1
}

usage() {
  echo 'usage: [PREFIX=DIRECTORY] install.sh [--key=KEY] [DIRECTORY | URL | VERSION]' >&2
  echo '       [PREFIX=DIRECTORY] install.sh --uninstall' >&2
  exit 2
}

# absolute PATH: print an absolute path, which a leading "-" cannot turn into an option.
absolute() {
  case $1 in
    /*) printf '%s\n' "$1" ;;
    *) printf '%s\n' "$(pwd)/$1" ;;
  esac
}

key=$built_in_key source='' uninstall=''
while [ $# -gt 0 ]; do
  case $1 in
    --key=?*) key=${1#--key=} ;;
    --uninstall) uninstall=1 ;;
    -*) usage ;;
    *)
      [ -z "$source" ] || usage
      source=$1
      ;;
  esac
  shift
done
[ -z "$uninstall" ] || [ -z "$source" ] || usage

prefix=$(absolute "${PREFIX:-/usr/local}")
case $prefix in *"$newline"*) fail "PREFIX: contains a newline" ;; esac
bin=$prefix/bin/cgkill
doc=$prefix/share/doc/cgkill
# FILE PLACE, by lines: the texts, and where they go.
texts="cgkill.1 $prefix/share/man/man1/cgkill.1
cgkill.bash $prefix/share/bash-completion/completions/cgkill
cgkill.zsh $prefix/share/zsh/site-functions/_cgkill
cgkill.fish $prefix/share/fish/vendor_completions.d/cgkill.fish
LICENSE $doc/LICENSE
THIRD-PARTY $doc/THIRD-PARTY"
# The directories that were made for the installation, by lines, deepest first.
record=$doc/.directories

# each COMMAND: run it with the name and the place of each text.
each() {
  IFS=$newline
  for line in $texts; do
    unset IFS
    "$@" "${line%% *}" "${line#* }"
  done
  unset IFS
}

# remove_stale DIRECTORY: remove what a killed installer left there, which has the pid of a process that is gone.
remove_stale() {
  set +f
  for old in "$1"/.cgkill-install.*; do
    case ${old##*.} in *[!0-9]* | '') continue ;; esac
    [ -L "$old" ] || kill -0 "${old##*.}" 2>/dev/null || rm -rf -- "$old"
  done
  set -f
}

if [ -n "$uninstall" ]; then
  recorded=$(cat -- "$record" 2>/dev/null) || :
  remove_text() { rm -f -- "$2"; }
  remove_stale_beside() { remove_stale "${2%/*}"; }
  rm -f -- "$bin" "$record"
  each remove_text
  remove_stale "${bin%/*}"
  each remove_stale_beside
  remove_if_above() { case $2 in "$dir"/*) rmdir -- "$dir" 2>/dev/null || : ;; esac; }
  IFS=$newline
  for dir in $recorded; do
    remove_if_above cgkill "$bin"
    each remove_if_above
    IFS=$newline
  done
  printf 'removed cgkill from %s\n' "$prefix"
  exit 0
fi

case $(uname -m) in
  x86_64) cpu=x64 machine='3e 00' ;;
  aarch64 | arm64) cpu=arm64 machine='b7 00' ;;
  *) fail "no binary for $(uname -m), only for x86_64 and aarch64" ;;
esac
name=cgkill-linux-$cpu
# A glibc host may have musl installed too; there `ldd` is glibc's.
if [ -e "/lib/ld-musl-$(uname -m).so.1" ] && ! ldd --version 2>&1 | grep -qiE 'glibc|gnu'; then name=$name-musl; fi

# Directories to remove at the end and, until everything is in place, to undo: directories made and files put. One path
# per line, newest first.
scratch='' staged='' made='' put=''
clean() {
  status=$?
  trap - 0
  IFS=$newline
  for place in $put; do
    old=${place%/*}/.cgkill-install.$$/old-${place##*/}
    if [ -e "$old" ] || [ -L "$old" ]; then mv -f -- "$old" "$place" || :; else rm -f -- "$place"; fi
  done
  for at in $staged $scratch; do rm -rf -- "$at"; done
  for at in $made; do rmdir -- "$at" 2>/dev/null || :; done
  exit "$status"
}
trap clean 0
trap 'exit 129' 1
trap 'exit 130' 2
trap 'exit 143' 15

make_scratch() { [ -n "$scratch" ] || scratch=$(mktemp -d) || fail "cannot make a temporary directory"; }

# fetch FILE: download it from $url into the scratch directory.
fetch() {
  if command -v curl >/dev/null; then
    case $url in https:*) only='=https' ;; *) only='=https,http' ;; esac
    curl -fsSL --proto "$only" -o "$scratch/$1" -- "$url/$1"
  elif command -v wget >/dev/null; then
    wget -q -O "$scratch/$1" -- "$url/$1" || { rm -f -- "$scratch/$1" && false; }
  else fail "a URL needs curl or wget"; fi
}

version=''
case $source in
  http://* | https://*) url=${source%/} ;;
  [0-9]*.[0-9]*.[0-9]*)
    url=''
    if [ ! -d "$source/" ]; then
      url=${CGKILL_URL:-$built_in_url}
      [ -n "$url" ] || fail "$source: a version needs the address of the releases in CGKILL_URL"
      version=$source url=${url%/}/$source
    fi
    ;;
  *) url='' ;;
esac
if [ -n "$url" ]; then
  case $url in http:*) [ -n "$key" ] || fail "$url: without a key only https is safe" ;; esac
  make_scratch
  from=$scratch
  fetch SHA256SUMS || fail "$url/SHA256SUMS: cannot be downloaded"
  fetch SHA256SUMS.sig 2>/dev/null || rm -f -- "$scratch/SHA256SUMS.sig"
else
  here=$(absolute "$(dirname -- "$0")")
  from=${source:+$(absolute "$source")}
  [ -n "$from" ] || for from in "$here" "$here/../../dist/release"; do [ -f "$from/SHA256SUMS" ] && break; done
  [ -f "$from/SHA256SUMS" ] || fail "$from: contains no release (no SHA256SUMS); name the directory of one"
fi

# Read once, so that the files are compared with what was verified.
sums=$(cat -- "$from/SHA256SUMS")
if [ -n "$key" ]; then
  [ ! -f "$key" ] || key=$(cat -- "$key")
  case $key in *"$newline"* | '') fail "--key: not a single public key" ;; esac
  [ -f "$from/SHA256SUMS.sig" ] || fail "the release is not signed, but a key was given; nothing was installed"
  command -v ssh-keygen >/dev/null || fail "the signature cannot be checked without ssh-keygen; nothing was installed"
  make_scratch
  printf 'cgkill namespaces="cgkill" %s\n' "$key" >"$scratch/signers"
  printf '%s\n' "$sums" |
    ssh-keygen -Y verify -f "$scratch/signers" -I cgkill -n cgkill -s "$from/SHA256SUMS.sig" >/dev/null 2>&1 ||
    fail "the signature is wrong, or made with another key; nothing was installed"
elif [ -f "$from/SHA256SUMS.sig" ]; then say "the signature was not checked: no key (--key=KEY)"
else say "this release is not signed"; fi

# checked FILE NAME: does FILE have the sum that SHA256SUMS lists for NAME?
checked() {
  [ -f "$1" ] || return 1
  sum=$(sha256sum <"$1") || return 1
  printf '%s\n' "$sums" | grep -qxF -e "${sum%% *}  $2"
}
check_text() {
  [ -z "$url" ] || fetch "$1" || fail "$url/$1: cannot be downloaded; nothing was installed"
  checked "$from/$1" "$1" || fail "$from/$1: its checksum is wrong or missing; nothing was installed"
}
# The binary may be available only in compressed form; it is then uncompressed into its place, and checked again there.
file=$name
if [ -n "$url" ] || [ ! -f "$from/$name" ]; then file=$name.gz; fi
[ -n "$url" ] || [ -f "$from/$file" ] || fail "$from/$name: not in this release"
each check_text
check_text "$file"

make_directory() {
  [ ! -d "$1/" ] || return 0
  make_directory "${1%/*}"
  mkdir -- "$1" || fail "$1: the directory cannot be made; nothing was installed"
  made=$1$newline$made
}

# contents FILE: print it, uncompressed.
contents() { case $1 in *.gz) gzip -dc <"$from/$1" ;; *) cat <"$from/$1" ;; esac; }

# make_place PLACE: make a private directory beside it. mkdir follows no link.
make_place() {
  [ ! -d "$1" ] || fail "$1: is a directory; nothing was installed"
  dir=${1%/*}
  make_directory "$dir"
  case $(ls -ld -- "$dir/.") in
    ????????w[!tT]*) fail "$dir: every user may replace files in it; nothing was installed" ;;
  esac
  at=$dir/.cgkill-install.$$
  case $newline$staged in *"$newline$at$newline"*) return 0 ;; esac
  remove_stale "$dir"
  mkdir -m 0700 -- "$at" || fail "$at: cannot be made; nothing was installed"
  staged=$at$newline$staged
}

# stage MODE FILE NAME PLACE: copy FILE, which is NAME uncompressed, to the private directory beside PLACE.
stage() {
  make_place "$4"
  new=$at/new-${4##*/}
  # Never overwrite a file, never follow a link.
  (set -C && contents "$2" >"$new") || fail "$at: cannot be written; nothing was installed"
  checked "$new" "$3" || fail "$at: was not written in full; nothing was installed"
  chmod "$1" "$new"
}
stage_text() { stage 0644 "$1" "$1" "$2"; }

# put PLACE: move the staged file to PLACE, and keep what was there until all are in place.
put() {
  at=${1%/*}/.cgkill-install.$$
  if [ -L "$1" ]; then cp -P -- "$1" "$at/old-${1##*/}"
  elif [ -e "$1" ]; then ln -- "$1" "$at/old-${1##*/}" 2>/dev/null || cp -p -- "$1" "$at/old-${1##*/}"; fi
  put=$1$newline$put
  mv -f -- "$at/new-${1##*/}" "$1"
  if [ ! -f "$1" ] || [ -L "$1" ]; then fail "$1: was replaced during the installation"; fi
}
put_text() { put "$2"; }

stage 0755 "$file" "$name" "$bin"
each stage_text
make_place "$record"
(set -C && { printf '%s' "$made" && cat -- "$record" 2>/dev/null || :; } >"$at/new-.directories") ||
  fail "$at: cannot be written; nothing was installed"
chmod 0644 "$at/new-.directories"
new=${bin%/*}/.cgkill-install.$$/new-cgkill
# A shell runs what the kernel cannot execute as a script: check the architecture of the ELF file first.
case $(od -An -tx1 -N20 <"$new" | tr '\n' ' ' | tr -s ' ') in
  ' 7f 45 4c 46 '*" $machine "*) ;;
  ' 7f 45 4c 46 '*) fail "$from/$name: is for another architecture; nothing was installed" ;;
esac
told=$("$new" --version) ||
  fail "$name: does not run in $prefix/bin (mounted noexec, or no C library for it?); nothing was installed"
case $told in
  "cgkill ${version:-}"*) ;;
  *) [ -z "$version" ] || fail "$url: has ${told%%"$newline"*}, not $version; nothing was installed" ;;
esac
each put_text
put "$record"
put "$bin"
made='' put=''
printf '%s\n' "${told%%"$newline"*}" || :
