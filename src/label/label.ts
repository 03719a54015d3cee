// What a cgroup is in people's words, who would start it again, and the command that stops it properly: told from its
// name and those above it alone. Pure: asks no daemon and reads no file, so what a name claims is all it knows.

import { asContainer, asPod } from "./containers.ts";
import { asEcs, asNomad, asSlurm } from "./jobs.ts";
import { asLibvirt, asLxc } from "./machines.ts";
import { by, type Found, HOST, type Label, type LabelKind, labelled, type Place } from "./place.ts";
import { asUnit } from "./units.ts";

const ROOT: Place = { name: "", above: null, label: null, whole: null, system: HOST, holdsUnits: true };

/** @param path  as /proc/PID/cgroup prints it; a name that tells nothing is `null`, whatever stands above it */
export function labelOf(path: string): Label | null {
  return placeOf(path, null).label;
}

/** For a whole tree: remembers what it learned of the directories above, which is most of the work. */
export function createLabeller(): (path: string) => Label | null {
  const known = new Map<string, Place>();
  return (path) => placeOf(path, known).label;
}

function placeOf(path: string, known: Map<string, Place> | null): Place {
  const cut = path.lastIndexOf("/");
  const parent = path.slice(0, Math.max(cut, 0));
  let above = known?.get(parent);
  if (above === undefined) {
    above = ROOT;
    for (const name of parent.split("/")) above = below(above, name);
    known?.set(parent, above);
  }
  return below(above, path.slice(cut + 1));
}

function below(at: Place, name: string): Place {
  if (name === "") return at;
  const part = asPart(name, at);
  const found = part ?? recognise(name, at);
  const label = found?.label ?? null;
  return {
    name,
    above: at,
    label,
    whole: part === null ? label : at.whole,
    system: found?.inside ?? at.system,
    holdsUnits: found?.holdsUnits ?? found?.inside !== undefined,
  };
}

function recognise(name: string, at: Place): Found | null {
  // Most names are such, and no other kind ends so.
  if (at.holdsUnits && name.endsWith(".service") && !name.startsWith("lxc.")) return asUnit(name, at);
  return (
    asContainer(name, at) ??
    asPod(name, at) ??
    asNomad(name, at) ??
    asSlurm(name, at) ??
    asLxc(name, at) ??
    asEcs(name, at) ??
    asLibvirt(name, at) ??
    asUnit(name, at) ??
    asGroup(name, at)
  );
}

// Parts and groups

const CONTAINER_PART = /^container$/;
const PARTS: ReadonlyMap<LabelKind, RegExp> = new Map([
  ["docker", CONTAINER_PART],
  ["podman", CONTAINER_PART],
  ["nerdctl", CONTAINER_PART],
  ["containerd", CONTAINER_PART],
  ["cri-o", CONTAINER_PART],
  ["lxc", /^ns$/],
  ["machine", /^(payload|supervisor)$/],
  ["vm", /^(libvirt|emulator|vcpu[0-9]+|iothread[0-9]+)$/],
  ["slurm", /^(user|slurm|task_[a-z0-9]+)$/],
]);

function asPart(name: string, { whole }: Place): Found | null {
  if (whole === null || whole.aliases.length === 0 || !PARTS.get(whole.kind)?.test(name)) return null;
  const holdsUnits = name === "container" || name === "payload" || name === "ns";
  return { label: { ...whole, id: null, text: `${whole.text} (${name})`, aliases: [] }, holdsUnits };
}

/** Directories at the root of a system that hold one runtime's, and who would start those again. */
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

function asGroup(name: string, at: Place): Found | null {
  // Podman without systemd: one beside the containers of each parent and pod, for all their monitors.
  if (name === "conmon") return { label: labelled("group", name, { text: "podman monitors" }) };
  const group = at.holdsUnits && !at.name.endsWith(".slice") ? GROUPS.get(name) : undefined;
  if (group === undefined) return null;
  const [text, supervisor] = group;
  return { label: labelled("group", name, { text, supervisor: supervisor ? by(supervisor, true) : () => null }) };
}
