// What a cgroup is, which program may restart it, and the command that stops it properly, recognized by its name and the
// names above it. Pure: no daemon is asked and no file is read, so that a name may claim anything.

import { recognizeContainer, recognizeLibvirt, recognizeLxc, recognizePod } from "./containers.ts";
import { recognizeEcs, recognizeNomad, recognizeSlurm } from "./jobs.ts";
import { type Component, createLabel, HOST, type Label, type LabelKind, supervisedBy } from "./types.ts";
import { recognizeOpenrc, recognizeUnit } from "./units.ts";

const ROOT: Component = { name: "", parent: null, label: null, whole: null, system: HOST, holdsUnits: true };

/**
 * Recognize one cgroup.
 *
 * @param path  as /proc/PID/cgroup prints it
 * @returns `null` if the last component is not recognized, whatever is above it
 */
export const labelOf = (path: string): Label | null => createLabeller()(path);

/** @returns `labelOf` for many cgroups: what is known of a parent is kept for its children */
export function createLabeller(): (path: string) => Label | null {
  const known = new Map<string, Component>();
  return (path) => {
    const slash = path.lastIndexOf("/");
    const dir = path.slice(0, Math.max(slash, 0));
    let parent = known.get(dir);
    if (parent === undefined) {
      parent = ROOT;
      for (const name of dir.split("/")) parent = parseComponent(parent, name);
      known.set(dir, parent);
    }
    return parseComponent(parent, path.slice(slash + 1)).label;
  };
}

function parseComponent(parent: Component, name: string): Component {
  if (name === "") return parent;
  const part = recognizePart(name, parent);
  const label = part ?? recognize(name, parent);
  return {
    name,
    parent,
    label,
    whole: part === null ? label : parent.whole,
    system: label?.inside ?? parent.system,
    holdsUnits: label?.holdsUnits ?? label?.inside !== undefined,
  };
}

function recognize(name: string, parent: Component): Label | null {
  // Most names are services, and no other kind has this suffix.
  if (parent.holdsUnits && name.endsWith(".service") && !name.startsWith("lxc.")) return recognizeUnit(name, parent);
  return (
    recognizeContainer(name, parent) ??
    recognizePod(name, parent) ??
    recognizeNomad(name, parent) ??
    recognizeSlurm(name, parent) ??
    recognizeLxc(name, parent) ??
    recognizeEcs(name, parent) ??
    recognizeLibvirt(name, parent) ??
    recognizeUnit(name, parent) ??
    recognizeGroup(name, parent) ??
    recognizeOpenrc(name, parent)
  );
}

// Parts and groups

const CONTAINERS: readonly LabelKind[] = ["docker", "podman", "nerdctl", "containerd", "cri-o"];

function isPartOf(kind: LabelKind, name: string): boolean {
  if (kind === "lxc") return name === "ns";
  if (kind === "machine") return name === "payload" || name === "supervisor";
  if (kind === "vm") return /^(libvirt|emulator|vcpu[0-9]+|iothread[0-9]+)$/.test(name);
  return name === "container" && CONTAINERS.includes(kind);
}

/** Recognize a cgroup that is a part of the container, machine or job around it. */
function recognizePart(name: string, { whole }: Component): Label | null {
  if (whole === null || whole.aliases.length === 0 || !isPartOf(whole.kind, name)) return null;
  const holdsUnits = name === "container" || name === "payload" || name === "ns";
  return { ...whole, id: null, text: `${whole.text} (${name})`, aliases: [], holdsUnits };
}

/** Directories at the root of a system for everything of one runtime, and what may restart that. */
const GROUPS: ReadonlyMap<string, readonly [text: string, supervisor: string | null]> = new Map([
  ["docker", ["docker containers", "docker"]],
  ["libpod_parent", ["podman containers", "podman"]],
  ["ecs", ["ecs tasks", "ecs agent"]],
  ["nomad", ["nomad tasks", "nomad"]],
  ["slurm", ["slurm jobs", null]],
  ["lxc", ["lxc containers", null]],
  ["lxc.payload", ["lxc containers", null]],
  ["lxc.monitor", ["lxc monitors", null]],
  ["machine", ["machines", null]],
]);

function recognizeGroup(name: string, parent: Component): Label | null {
  // Podman without systemd: the monitors of all containers of a parent or pod.
  if (name === "conmon") return createLabel("group", name, { text: "podman monitors" });
  const group = parent.holdsUnits && !parent.name.endsWith(".slice") ? GROUPS.get(name) : undefined;
  if (group === undefined) return null;
  const [text, supervisor] = group;
  return createLabel("group", name, { text, supervisor: supervisor ? supervisedBy(supervisor, true) : () => null });
}
