// System containers and virtual machines whose cgroups are not systemd's: LXC, libvirt.

import { by, type Found, type Label, labelled, type Place, type System, withoutSuffix, wordsIn } from "./place.ts";

// LXC, and LXD and Incus, which build on it: lxc/NAME, lxc.payload.NAME, lxc.monitor.NAME

export function asLxc(name: string, at: Place): Found | null {
  const isInDir = at.above?.holdsUnits === true && (at.name === "lxc" || at.name === "lxc.payload");
  const isMonitorInDir = at.above?.holdsUnits === true && at.name === "lxc.monitor";
  const isMonitor = isMonitorInDir || name.startsWith("lxc.monitor.");
  const isPayload = isInDir || name.startsWith("lxc.payload.");
  if (!isMonitor && !isPayload) return null;
  const container = isInDir || isMonitorInDir ? name : name.slice("lxc.payload.".length);
  if (container === "") return null;
  const supervisor = by("lxc", false, at.system, "lxc-stop", "-n", container);
  if (isMonitor) return { label: labelled("lxc", container, { text: `lxc ${container} (monitor)`, supervisor }) };
  const enter = () => wordsIn(at.system, ["lxc-attach", "-n", container, "--"]);
  const label = labelled("lxc", container, { aliases: [container], supervisor });
  return { label, inside: { enter, machine: "", user: "", supervisor } };
}

// libvirt without systemd: machine/[PARTITION.partition/]qemu-ID-NAME.libvirt-qemu

export function asLibvirt(name: string, at: Place): Found | null {
  const stem = withoutSuffix(name, ".libvirt-qemu");
  return stem === name || stem === "" ? null : { label: vmLabel(stem, at.system) };
}

/** libvirt leaves out of the name what is no letter, digit, dot or dash; the number is exact. */
export function vmLabel(machine: string, system: System): Label {
  const [, domain, name = machine] = /^qemu-([0-9]+)-(.+)$/.exec(machine) ?? [];
  const plain = domain === undefined && machine.startsWith("qemu-") ? machine.slice("qemu-".length) : name;
  const supervisor = by("libvirt", false, system, "virsh", "shutdown", "--domain", domain ?? plain);
  return labelled("vm", plain, { aliases: [plain], supervisor });
}
