// System containers and virtual machines whose cgroups are not created by systemd: LXC, libvirt.

import {
  commandInside,
  type Component,
  createLabel,
  type Label,
  type Recognized,
  supervisedBy,
  type System,
  withoutSuffix,
} from "./types.ts";

// LXC, and LXD and Incus, which are based on it: lxc/NAME, lxc.payload.NAME, lxc.monitor.NAME

export function recognizeLxc(name: string, parent: Component): Recognized | null {
  const isInDir = parent.parent?.holdsUnits === true && (parent.name === "lxc" || parent.name === "lxc.payload");
  const isMonitorInDir = parent.parent?.holdsUnits === true && parent.name === "lxc.monitor";
  const isMonitor = isMonitorInDir || name.startsWith("lxc.monitor.");
  const isPayload = isInDir || name.startsWith("lxc.payload.");
  if (!isMonitor && !isPayload) return null;
  const container = isInDir || isMonitorInDir ? name : name.slice("lxc.payload.".length);
  if (container === "") return null;
  const supervisor = supervisedBy("lxc", false, parent.system, "lxc-stop", "-n", container);
  if (isMonitor) return { label: createLabel("lxc", container, { text: `lxc ${container} (monitor)`, supervisor }) };
  const enter = () => commandInside(parent.system, ["lxc-attach", "-n", container, "--"]);
  const label = createLabel("lxc", container, { aliases: [container], supervisor });
  return { label, inside: { enter, machine: "", user: "", supervisor } };
}

// libvirt without systemd: machine/[PARTITION.partition/]qemu-ID-NAME.libvirt-qemu

export function recognizeLibvirt(name: string, parent: Component): Recognized | null {
  const stem = withoutSuffix(name, ".libvirt-qemu");
  return stem === name || stem === "" ? null : { label: vmLabel(stem, parent.system) };
}

/** libvirt drops all characters except letters, digits, dots and dashes from the name; the number is exact. */
export function vmLabel(machine: string, system: System): Label {
  const [, domain, name = machine] = /^qemu-([0-9]+)-(.+)$/.exec(machine) ?? [];
  const plain = domain === undefined && machine.startsWith("qemu-") ? machine.slice("qemu-".length) : name;
  const supervisor = supervisedBy("libvirt", false, system, "virsh", "shutdown", "--domain", domain ?? plain);
  return createLabel("vm", plain, { aliases: [plain], supervisor });
}
