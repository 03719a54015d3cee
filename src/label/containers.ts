// Containers, pods, and virtual machines that systemd does not know, by the names that their runtimes give to cgroups.

import type { Command } from "../advice.ts";
import {
  commandInside,
  type Component,
  createLabel,
  isHex32,
  isHex64,
  isUuid,
  type Label,
  type LabelKind,
  supervisedBy,
  type Supervisor,
  type System,
  withoutSuffix,
} from "./types.ts";

/** The ids that containerd accepts. They never begin with `-`. */
const isCtrId = (text: string): boolean => /^[A-Za-z0-9]+(?:[._-][A-Za-z0-9]+)*$/.test(text);

// Containers: [PREFIX-]ID[.scope], with an ID of 64 hexadecimal digits

interface Runtime {
  readonly kind: LabelKind;
  readonly tool: readonly string[];
  readonly isMonitor?: boolean;
}

const CRI: Runtime = { kind: "containerd", tool: ["crictl"] };
const DOCKER: Runtime = { kind: "docker", tool: ["docker"] };
const PODMAN: Runtime = { kind: "podman", tool: ["podman"] };
const CRIO: Runtime = { kind: "cri-o", tool: ["crictl"] };

const RUNTIME_BY_PREFIX: ReadonlyMap<string, Runtime> = new Map([
  ["docker", DOCKER],
  ["libpod", PODMAN],
  ["libpod-payload", PODMAN],
  ["libpod-conmon", { ...PODMAN, isMonitor: true }],
  ["cri-containerd", CRI],
  ["containerd", CRI],
  ["nerdctl", { kind: "nerdctl", tool: ["nerdctl"] }],
  ["crio", CRIO],
  ["crio-conmon", { ...CRIO, isMonitor: true }],
]);

/** For an id without a prefix. The parents are the namespaces of containerd, and directories that CI services create. */
const RUNTIME_BY_PARENT: ReadonlyMap<string, Runtime> = new Map([
  ["docker", DOCKER],
  ["actions_job", DOCKER],
  ["azpl_job", DOCKER],
  ["k8s.io", CRI],
  ["default", { kind: "containerd", tool: ["nerdctl"] }],
]);

export function recognizeContainer(name: string, parent: Component): Label | null {
  if (parent.name === "buildkit" && /^[a-z0-9]{25}$/.test(name)) {
    return createLabel("build", name.slice(0, 12), { id: name, supervisor: supervisedBy("buildkit", false) });
  }
  if (parent.name === "default" && parent.parent?.name === "" && parent.parent.holdsUnits && isCtrId(name)) {
    const supervisor = supervisedBy("containerd", false, parent.system, "ctr", "-n", "default", "task", "kill", name);
    if (!isHex64(name)) return createLabel("containerd", name, { aliases: [name], supervisor });
  }
  if (name.length < 64) return null;
  const stem = withoutSuffix(name, ".scope");
  const id = stem.slice(-64);
  if (!isHex64(id)) return null;
  const prefix = stem.slice(0, -64);
  if (prefix === "") return name === stem ? recognizeBareId(id, parent) : null;
  if (prefix.endsWith("-")) return labelContainer(RUNTIME_BY_PREFIX.get(prefix.slice(0, -1)), id, parent, parent.label);
  // A cgroupfs driver that was given the SLICE:PREFIX:ID of the systemd driver uses it as a name.
  const [slice = "", runtime = "", rest] = prefix.split(":");
  if (rest !== "") return null;
  const owner = recognizePodSlice(withoutSuffix(slice, ".slice"), parent.system);
  return labelContainer(RUNTIME_BY_PREFIX.get(runtime), id, parent, owner);
}

function recognizeBareId(id: string, parent: Component): Label | null {
  if (parent.label?.kind === "pod") return labelContainer({ kind: "container", tool: [] }, id, parent, parent.label);
  if (parent.label?.kind === "ecs") return labelContainer(DOCKER, id, parent, parent.label);
  if (parent.name === "libpod_parent") return podmanPod(id, parent.system);
  return labelContainer(RUNTIME_BY_PARENT.get(parent.name), id, parent, null);
}

function labelContainer(
  runtime: Runtime | undefined,
  id: string,
  parent: Component,
  owner: Label | null,
): Label | null {
  if (runtime === undefined) return null;
  const { kind, tool, isMonitor = false } = runtime;
  const short = id.slice(0, 12);
  const keeper = owner !== null && KEEPERS.has(owner.kind) ? owner.supervisor : null;
  const name = kind === "container" ? "kubelet" : kind === "nerdctl" ? "containerd" : kind;
  const supervisor = keeper ?? supervisedBy(name, true, parent.system, ...tool, "stop", short);
  const text = `${kind} ${short}${whereIn(owner)}`;
  if (isMonitor) return createLabel(kind, short, { text: `${text} (monitor)`, supervisor });
  const enter = () => (tool.length === 0 ? null : commandInside(parent.system, [...tool, "exec", short]));
  return createLabel(kind, short, { id, text, supervisor, inside: { enter, machine: "", user: "", supervisor } });
}

/** These restart a container, whatever its runtime does. */
const KEEPERS: ReadonlySet<LabelKind> = new Set<LabelKind>(["pod", "ecs", "unit"]);

function whereIn(owner: Label | null): string {
  if (owner?.kind === "pod" || owner?.kind === "podman-pod") return ` in pod ${owner.id?.slice(0, 8)}`;
  return owner?.kind === "ecs" ? ` in ecs task ${owner.id?.slice(0, 8)}` : "";
}

// Pods: kubepods/QOS/pod<uid>, kubepods-QOS-pod<uid with _>.slice; libpod_pod_<id>.slice

const matchPodGroup = (text: string): RegExpExecArray | null =>
  /^(?:[a-z0-9_]+-)*kubepods(?:-(burstable|besteffort))?$/.exec(text);

export function recognizePod(name: string, parent: Component): Label | null {
  const stem = withoutSuffix(name, ".slice");
  if (stem === name) return recognizePodDir(name, parent);
  const label = parent.holdsUnits ? recognizePodSlice(stem, parent.system) : null;
  return label && { ...label, holdsUnits: true };
}

function recognizePodSlice(stem: string, system: System): Label | null {
  const libpod = stem.lastIndexOf("libpod_pod_");
  if (libpod >= 0) {
    const id = stem.slice(libpod + "libpod_pod_".length);
    return isHex64(id) ? podmanPod(id, system) : null;
  }
  if (!stem.includes("kubepods")) return null;
  const pod = stem.lastIndexOf("-pod");
  const uid = pod < 0 ? "" : stem.slice(pod + "-pod".length).replaceAll("_", "-");
  if (isPodUid(uid)) return kubernetesPod(uid, system);
  const group = matchPodGroup(stem);
  return group && podGroup(`${stem}.slice`, group[1]);
}

function recognizePodDir(name: string, parent: Component): Label | null {
  if (name === "kubepods") return podGroup(name, undefined);
  if (parent.name === "kubepods" && (name === "burstable" || name === "besteffort")) return podGroup(name, name);
  if (!name.startsWith("pod") || (parent.name !== "kubepods" && parent.parent?.name !== "kubepods")) return null;
  const uid = name.slice("pod".length);
  return isPodUid(uid) ? kubernetesPod(uid, parent.system) : null;
}

/** A static pod, from a manifest on the node, has the hash of the manifest instead of a uid. */
const isPodUid = (uid: string): boolean => isUuid(uid) || isHex32(uid);

function podGroup(name: string, quality: string | undefined): Label {
  const text = quality === undefined ? "kubernetes pods" : `kubernetes ${quality} pods`;
  return createLabel("group", name, { text, supervisor: supervisedBy("kubelet", true) });
}

/** kubectl needs the namespace and name of the pod, which are looked up by its uid. It cannot delete a static pod. */
function kubernetesPod(uid: string, system: System): Label {
  const found = `{range .items[?(@.metadata.uid=="${uid}")]}{.metadata.namespace} {.metadata.name}{end}`;
  // The pipeline and its parameter are separate arguments, so that only the inner shell interprets them.
  const pipeline = 'kubectl get pods -A -o jsonpath="$1" | xargs -r kubectl delete pod -n';
  const stop = (): Command | null => commandInside(system, ["sh", "-c", pipeline, "sh", found]);
  const isOnServer = isUuid(uid);
  const supervisor = (): Supervisor => ({ name: "kubelet", mayRestart: true, stop: isOnServer ? stop() : null });
  return createLabel("pod", uid, { id: uid, supervisor });
}

function podmanPod(id: string, system: System): Label {
  const short = id.slice(0, 12);
  const supervisor = supervisedBy("podman", true, system, "podman", "pod", "stop", short);
  return createLabel("podman-pod", short, { id, text: `podman pod ${short}`, supervisor });
}

// LXC, and LXD and Incus, which are based on it: lxc/NAME, lxc.payload.NAME, lxc.monitor.NAME

export function recognizeLxc(name: string, parent: Component): Label | null {
  const isInDir = parent.parent?.holdsUnits === true && (parent.name === "lxc" || parent.name === "lxc.payload");
  const isMonitorInDir = parent.parent?.holdsUnits === true && parent.name === "lxc.monitor";
  const isMonitor = isMonitorInDir || name.startsWith("lxc.monitor.");
  const isPayload = isInDir || name.startsWith("lxc.payload.");
  if (!isMonitor && !isPayload) return null;
  const container = isInDir || isMonitorInDir ? name : name.slice("lxc.payload.".length);
  if (container === "") return null;
  const supervisor = supervisedBy("lxc", false, parent.system, "lxc-stop", "-n", container);
  if (isMonitor) return createLabel("lxc", container, { text: `lxc ${container} (monitor)`, supervisor });
  const enter = () => commandInside(parent.system, ["lxc-attach", "-n", container, "--"]);
  const inside = { enter, machine: "", user: "", supervisor };
  return createLabel("lxc", container, { aliases: [container], supervisor, inside });
}

// libvirt without systemd: machine/[PARTITION.partition/]qemu-ID-NAME.libvirt-qemu

export function recognizeLibvirt(name: string, parent: Component): Label | null {
  const stem = withoutSuffix(name, ".libvirt-qemu");
  return stem === name || stem === "" ? null : vmLabel(stem, parent.system);
}

/** libvirt drops all characters except letters, digits, dots and dashes from the name; the number is exact. */
export function vmLabel(machine: string, system: System): Label {
  const [, domain, name = machine] = /^qemu-([0-9]+)-(.+)$/.exec(machine) ?? [];
  const plain = domain === undefined && machine.startsWith("qemu-") ? machine.slice("qemu-".length) : name;
  const supervisor = supervisedBy("libvirt", false, system, "virsh", "shutdown", "--domain", domain ?? plain);
  return createLabel("vm", plain, { aliases: [plain], supervisor });
}
