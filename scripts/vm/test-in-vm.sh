#!/bin/sh
# Boots a small Debian in each cgroup mode of systemd, and once with busybox as init, and runs scripts/vm/suite.sh with
# dist/cgkill in it. By hand, not in CI: software emulation takes minutes.
#
#   [SUITE=bookworm] scripts/vm/test-in-vm.sh [unified|hybrid|legacy|busybox]...    default: all four
#
# SUITE is a suite of Debian, and so kernel, systemd and C library. From systemd 256 on it has no hybrid and no legacy.
# Needs root, a network the first time, and: apt-get install mmdebstrap qemu-system-x86 cpio. Writes only to dist/vm.
# The image is built again when the list of packages below changes. BOOT_SECONDS (default 900) limits each boot.
set -eu

cd "$(dirname "$0")/../.."
readonly SUITE=${SUITE:-bookworm} MIRROR=http://deb.debian.org/debian
readonly PACKAGES=systemd,systemd-sysv,dbus,dbus-user-session,libpam-systemd,linux-image-cloud-amd64,busybox,jq
readonly VM=dist/vm/$SUITE
readonly BOOT_SECONDS="${BOOT_SECONDS:-900}"

fail() {
  echo "test-in-vm.sh: $1" >&2
  exit 1
}

# The kernel, and its whole root as an initramfs: no disk, no driver, nothing left over from the previous boot.
build_image() {
  made_of="$SUITE $PACKAGES"
  [ "$(cat "$VM/made-of" 2>/dev/null)" = "$made_of" ] && return
  echo "building the image from $MIRROR ..."
  rm -f "$VM/made-of"
  mmdebstrap --quiet --variant=minbase --format=null --include="$PACKAGES" \
    --dpkgopt='force-confold' \
    --dpkgopt='path-exclude=/lib/modules/*' \
    --dpkgopt='path-exclude=/usr/share/doc/*' \
    --dpkgopt='path-exclude=/usr/share/locale/*' \
    --dpkgopt='path-exclude=/usr/share/man/*' \
    --essential-hook="mkdir -p \"\$1/etc/initramfs-tools\"" \
    --essential-hook="echo update_initramfs=no >\"\$1/etc/initramfs-tools/update-initramfs.conf\"" \
    --customize-hook="cp \"\$1\"/boot/vmlinuz-* $VM/vmlinuz" \
    --customize-hook="chroot \"\$1\" apt-get clean; rm -rf \"\$1\"/boot/* \"\$1\"/var/lib/apt/lists/*" \
    --customize-hook="chroot \"\$1\" useradd --create-home --shell /bin/sh --uid 1000 tester" \
    --customize-hook="ln -s /lib/systemd/systemd \"\$1/init\"" \
    --customize-hook="cd \"\$1\" && find . -xdev -path './dev/*' -prune -o -print |
      cpio --quiet -o -H newc >'$PWD/$VM/root.cpio'" \
    "$SUITE" /dev/null "$MIRROR" 2>"$VM/build.log" || fail "the image was not built: see $VM/build.log"
  echo "$made_of" >"$VM/made-of"
}

# Append what is tested as a second archive: the kernel unpacks it over the first.
add_suite() {
  rm -rf "$VM/extra"
  units=$VM/extra/etc/systemd/system
  mkdir -p "$VM/extra/usr/local/bin" "$units/multi-user.target.wants"
  cp dist/cgkill scripts/vm/suite.sh "$VM/extra/usr/local/bin"
  chmod 0755 "$VM/extra/usr/local/bin/suite.sh"
  mkdir -p "$VM/extra/usr/local/lib/cgkill"
  install -m 755 scripts/standby/standby.sh "$VM/extra/usr/local/lib/cgkill/standby.sh"
  install -m 644 scripts/standby/cgkill-standby.service "$units"
  cat >"$units/cgkill-suite.service" <<'UNIT'
[Unit]
After=multi-user.target systemd-logind.service
[Service]
ExecStart=/usr/local/bin/suite.sh systemd
StandardOutput=journal+console
UNIT
  ln -s ../cgkill-suite.service "$units/multi-user.target.wants/cgkill-suite.service"
  # In the archive, /, /etc and /usr must belong to root, not to the user who ran this.
  (cd "$VM/extra" && find . ! -name . | cpio --quiet -o -H newc --owner=0:0) >"$VM/extra.cpio"
  cat "$VM/root.cpio" "$VM/extra.cpio" >"$VM/initrd"
}

arguments_of() {
  case $1 in
    unified) echo systemd.unified_cgroup_hierarchy=1 ;;
    hybrid) echo systemd.unified_cgroup_hierarchy=0 ;;
    legacy) echo systemd.unified_cgroup_hierarchy=0 systemd.legacy_systemd_cgroup_controller=1 ;;
    busybox) echo rdinit=/usr/local/bin/suite.sh ;;
    *) fail "$1: no such mode; the modes are unified, hybrid, legacy and busybox" ;;
  esac
}

# The suite prints to the second serial line, where nothing else writes.
boot() {
  : >"$VM/$1.out"
  timeout --kill-after=10 "$BOOT_SECONDS" qemu-system-x86_64 -accel tcg,thread=multi -cpu max -smp 2 -m 3072 \
    -nodefaults -display none -no-reboot \
    -serial "file:$VM/$1.console" -serial "file:$VM/$1.out" \
    -kernel "$VM/vmlinuz" -initrd "$VM/initrd" \
    -append "console=ttyS0 panic=-1 systemd.show_status=0 cgkill.mode=$1 $(arguments_of "$1")" \
    || echo "not ok boot: qemu ended with exit status $? (124: after $BOOT_SECONDS s)" >>"$VM/$1.out"
  grep -q '^done' "$VM/$1.out" \
    || echo "not ok boot: the suite did not finish: see $VM/$1.console" >>"$VM/$1.out"
}

count() { grep -c "^$1 " "$VM/$2.out" || true; }

for tool in mmdebstrap qemu-system-x86_64 cpio; do
  command -v "$tool" >/dev/null || fail "$tool is missing: apt-get install mmdebstrap qemu-system-x86 cpio"
done
[ -x dist/cgkill ] || fail "dist/cgkill is missing: npm run build"
[ $# -gt 0 ] || set -- unified hybrid legacy busybox
for mode in "$@"; do arguments_of "$mode" >/dev/null; done
mkdir -p "$VM"
build_image
add_suite

summary='' failed=0
for mode in "$@"; do
  echo "== $mode"
  start=$(date +%s)
  boot "$mode"
  tr -d '\r' <"$VM/$mode.out"
  bad=$(count 'not ok' "$mode")
  good=$(count ok "$mode")
  [ "$bad" -eq 0 ] && [ "$good" -gt 0 ] || failed=1
  summary="$summary$(printf '%-10s %4d %7d %8d' "$mode" "$good" "$bad" $(($(date +%s) - start)))
"
done
printf '\n%-10s %4s %7s %8s\n%s' mode ok 'not ok' seconds "$summary"
exit "$failed"
