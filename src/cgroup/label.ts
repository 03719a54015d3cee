// What a cgroup is in people's words, who would start it again, and the command that stops it properly: told from its
// name and those above it alone. Pure: asks no daemon and reads no file, so what a name claims is all it knows.

import { quoteWord } from "./shell.ts";

export type LabelKind =
  | "init"
  | "unit"
  | "scope"
  | "slice"
  | "session"
  | "user"
  | "app"
  | "snap"
  | "docker"
  | "podman"
  | "nerdctl"
  | "containerd"
  | "cri-o"
  | "container"
  | "build"
  | "pod"
  | "podman-pod"
  | "nomad"
  | "ecs"
  | "slurm"
  | "lxc"
  | "machine"
  | "vm"
  | "group";

export interface Supervisor {
  readonly name: string;
  /** It starts again what dies, or does so where it is told to: the name does not say which. */
  readonly mayRestart: boolean;
  /** For a shell, every word quoted; `null` where no one command does it. */
  readonly stop: string | null;
}

export interface Label {
  readonly kind: LabelKind;
  /** Short, as its own tools print it: 12 digits of a container's id, a unit's name with \xNN decoded. */
  readonly name: string;
  /** The whole id, of which a prefix is enough; `null` for what goes by its name, and for parts and helpers. */
  readonly id: string | null;
  readonly text: string;
  /** What it is also found by, besides its last component. Parts and helpers have none: an id names one cgroup. */
  readonly aliases: readonly string[];
  /** A call, because a list of thousands never asks. */
  readonly supervisor: () => Supervisor | null;
}

/** The machine, container or user manager whose commands reach what lies here. */
interface System {
  /** The words before a command that make it run inside; `null` where there are none. */
  readonly enter: () => readonly string[] | null;
  /** For `systemctl -M`. */
  readonly machine: string;
  /** The uid of the user manager, or "". */
  readonly user: string;
  readonly supervisor: Label["supervisor"];
}

interface Found {
  readonly label: Label;
  /** What lies below is another system's. */
  readonly inside?: System;
  readonly holdsUnits?: boolean;
}

interface Place {
  readonly name: string;
  readonly above: Place | null;
  readonly label: Label | null;
  /** The container or machine of which this is a part; else its own label. */
  readonly whole: Label | null;
  readonly system: System;
  /** systemd makes units right below: the root of a system, a slice, a user manager. */
  readonly holdsUnits: boolean;
}

const HOST: System = { enter: () => [], machine: "", user: "", supervisor: () => null };
const ROOT: Place = { name: "", above: null, label: null, whole: null, system: HOST, holdsUnits: true };

const HEX_32 = /^[0-9a-f]{32}$/;
const HEX_64 = /^[0-9a-f]{64}$/;
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const DIGITS = /^[0-9]+$/;
const HOST_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]*$/;

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

function labelled(
  kind: LabelKind,
  name: string,
  rest: { id?: string; text?: string; aliases?: readonly string[]; supervisor?: Label["supervisor"] } = {},
): Label {
  const { id = null, text = `${kind} ${name}`, aliases = id === null ? [] : [id], supervisor = HOST.supervisor } = rest;
  return { kind, name, id, text, aliases, supervisor };
}

function by(name: string, mayRestart: boolean, system: System = HOST, ...words: readonly string[]): () => Supervisor {
  return () => ({ name, mayRestart, stop: words.length === 0 ? null : command(system, ...words) });
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

// Containers: [PREFIX-]<64 hexadecimal digits>[.scope]

interface Runtime {
  readonly kind: LabelKind;
  readonly tool: readonly string[];
  readonly isMonitor?: boolean;
}

const CRI: Runtime = { kind: "containerd", tool: ["crictl"] };
const DOCKER: Runtime = { kind: "docker", tool: ["docker"] };
const PODMAN: Runtime = { kind: "podman", tool: ["podman"] };
const CRIO: Runtime = { kind: "cri-o", tool: ["crictl"] };

const BY_PREFIX: ReadonlyMap<string, Runtime> = new Map([
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

/** A bare id says nothing itself. containerd's parent is its namespace; CI services give theirs to Docker. */
const BY_PARENT: ReadonlyMap<string, Runtime> = new Map([
  ["docker", DOCKER],
  ["actions_job", DOCKER],
  ["azpl_job", DOCKER],
  ["k8s.io", CRI],
  ["default", { kind: "containerd", tool: ["nerdctl"] }],
]);

function asContainer(name: string, at: Place): Found | null {
  if (at.name === "buildkit" && /^[a-z0-9]{25}$/.test(name)) return { label: asBuild(name) };
  if (name.length < 64) return null;
  const stem = withoutSuffix(name, ".scope");
  const id = stem.slice(-64);
  if (!HEX_64.test(id)) return null;
  const prefix = stem.slice(0, -64);
  if (prefix === "") return name === stem ? asBareId(id, at) : null;
  if (prefix.endsWith("-")) return containerFound(BY_PREFIX.get(prefix.slice(0, -1)), id, at, at.label);
  // SLICE:PREFIX:ID is what a cgroupfs driver makes of the path that it was given for systemd.
  const [slice = "", runtime = "", rest] = prefix.split(":");
  if (rest !== "") return null;
  return containerFound(BY_PREFIX.get(runtime), id, at, podSlice(withoutSuffix(slice, ".slice"), at.system));
}

function asBuild(id: string): Label {
  return labelled("build", id.slice(0, 12), { id, supervisor: by("buildkit", false) });
}

function asBareId(id: string, at: Place): Found | null {
  if (at.label?.kind === "pod") return containerFound({ kind: "container", tool: [] }, id, at, at.label);
  if (at.label?.kind === "ecs") return containerFound(DOCKER, id, at, at.label);
  if (at.name === "libpod_parent") return { label: podmanPod(id, at.system) };
  return containerFound(BY_PARENT.get(at.name), id, at, null);
}

function containerFound(runtime: Runtime | undefined, id: string, at: Place, over: Label | null): Found | null {
  if (runtime === undefined) return null;
  const { kind, tool, isMonitor = false } = runtime;
  const short = id.slice(0, 12);
  const keeper = over !== null && KEEPERS.has(over.kind) ? over.supervisor : null;
  const name = kind === "container" ? "kubelet" : kind === "nerdctl" ? "containerd" : kind;
  const supervisor = keeper ?? by(name, true, at.system, ...tool, "stop", short);
  const text = `${kind} ${short}${whereIn(over)}`;
  if (isMonitor) return { label: labelled(kind, short, { text: `${text} (monitor)`, supervisor }) };
  const enter = () => (tool.length === 0 ? null : wordsIn(at.system, [...tool, "exec", short]));
  const label = labelled(kind, short, { id, text, supervisor });
  return { label, inside: { enter, machine: "", user: "", supervisor } };
}

/** Above a container, these start it again, whatever is done to the container itself. */
const KEEPERS: ReadonlySet<LabelKind> = new Set<LabelKind>(["pod", "ecs", "unit"]);

function whereIn(over: Label | null): string {
  if (over?.kind === "pod" || over?.kind === "podman-pod") return ` in pod ${over.id?.slice(0, 8)}`;
  return over?.kind === "ecs" ? ` in ecs task ${over.id?.slice(0, 8)}` : "";
}

// Pods: kubepods/QOS/pod<uid>, kubepods-QOS-pod<uid with _>.slice; libpod_pod_<id>.slice

const POD_GROUP = /^(?:[a-z0-9_]+-)*kubepods(?:-(burstable|besteffort))?$/;

function asPod(name: string, at: Place): Found | null {
  const stem = withoutSuffix(name, ".slice");
  if (stem === name) return asPodDir(name, at);
  const label = at.holdsUnits ? podSlice(stem, at.system) : null;
  return label && { label, holdsUnits: true };
}

function podSlice(stem: string, system: System): Label | null {
  const libpod = stem.lastIndexOf("libpod_pod_");
  if (libpod >= 0) {
    const id = stem.slice(libpod + "libpod_pod_".length);
    return HEX_64.test(id) ? podmanPod(id, system) : null;
  }
  if (!stem.includes("kubepods")) return null;
  const pod = stem.lastIndexOf("-pod");
  const uid = pod < 0 ? "" : stem.slice(pod + "-pod".length).replaceAll("_", "-");
  if (isPodUid(uid)) return kubernetesPod(uid, system);
  const group = POD_GROUP.exec(stem);
  return group && podGroup(`${stem}.slice`, group[1]);
}

function asPodDir(name: string, at: Place): Found | null {
  if (name === "kubepods") return { label: podGroup(name, undefined) };
  if (at.name === "kubepods" && (name === "burstable" || name === "besteffort")) return { label: podGroup(name, name) };
  if (!name.startsWith("pod") || (at.name !== "kubepods" && at.above?.name !== "kubepods")) return null;
  const uid = name.slice("pod".length);
  return isPodUid(uid) ? { label: kubernetesPod(uid, at.system) } : null;
}

/** A pod from a manifest on the node has the hash of that file instead. */
const isPodUid = (uid: string): boolean => UUID.test(uid) || HEX_32.test(uid);

function podGroup(name: string, quality: string | undefined): Label {
  const text = quality === undefined ? "kubernetes pods" : `kubernetes ${quality} pods`;
  return labelled("group", name, { text, supervisor: by("kubelet", true) });
}

/** kubectl deletes by namespace and name, of which the cgroup knows neither; what a manifest on the node made, never. */
function kubernetesPod(uid: string, system: System): Label {
  const stop = (): string | null => {
    const found = `{range .items[?(@.metadata.uid=="${uid}")]}{.metadata.namespace} {.metadata.name}{end}`;
    const line = `kubectl get pods -A -o jsonpath=${quoteWord(found)} | xargs -r kubectl delete pod -n`;
    return system === HOST ? line : command(system, "sh", "-c", line);
  };
  const isOnServer = UUID.test(uid);
  const supervisor = (): Supervisor => ({ name: "kubelet", mayRestart: true, stop: isOnServer ? stop() : null });
  return labelled("pod", uid, { id: uid, supervisor });
}

function podmanPod(id: string, system: System): Label {
  const short = id.slice(0, 12);
  const supervisor = by("podman", true, system, "podman", "pod", "stop", short);
  return labelled("podman-pod", short, { id, text: `podman pod ${short}`, supervisor });
}

// Nomad: ALLOC.TASK.scope, ALLOC.TASK, ALLOC-TASK; before 1.2 the id of an executor

function asNomad(name: string, at: Place): Found | null {
  const dir = withoutSuffix(at.name, ".slice");
  const top = dir === "share" || dir === "reserve" ? withoutSuffix(at.above?.name ?? "", ".slice") : dir;
  const id = name.slice(0, 36);
  if (top !== "nomad" || !UUID.test(id)) return null;
  const task = withoutSuffix(name.slice(37), ".scope");
  const short = id.slice(0, 8);
  if (name === id) {
    return { label: labelled("nomad", short, { id, text: `nomad executor ${short}`, supervisor: by("nomad", true) }) };
  }
  if (task === "" || (name[36] !== "." && name[36] !== "-")) return null;
  const text = `nomad ${task} in alloc ${short}`;
  const supervisor = by("nomad", true, at.system, "nomad", "alloc", "stop", id);
  return { label: labelled("nomad", task, { id, text, aliases: [id, task], supervisor }) };
}

// Slurm: slurm[_NODE]/uid_N/job_N/step_X/task_N, [NODE_]slurmstepd.scope/job_N/step_X/user/task_N

function asSlurm(name: string, at: Place): Found | null {
  if (name.startsWith("uid_") && isSlurm(at)) {
    const uid = name.slice(4);
    return DIGITS.test(uid) ? { label: labelled("group", uid, { text: `slurm user ${uid}` }) } : null;
  }
  if (name.startsWith("job_") && (isSlurm(at) || (at.name.startsWith("uid_") && isSlurm(at.above)))) {
    const job = name.slice(4);
    return DIGITS.test(job) ? { label: slurmLabel("job", job, at.system) } : null;
  }
  if (!name.startsWith("step_") || at.label?.kind !== "slurm" || !at.name.startsWith("job_")) return null;
  const step = name.slice(5);
  return /^[a-z0-9]+$/.test(step) ? { label: slurmLabel("step", `${at.label.name}.${step}`, at.system) } : null;
}

function isSlurm(place: Place | null): boolean {
  const name = place?.name ?? "";
  return /^slurm(_|$)/.test(name) || name === "slurmstepd.scope" || name.endsWith("_slurmstepd.scope");
}

function slurmLabel(what: string, id: string, system: System): Label {
  const supervisor = by("slurm", false, system, "scancel", id);
  return labelled("slurm", id, { text: `slurm ${what} ${id}`, aliases: [id], supervisor });
}

// LXC, and LXD and Incus, which build on it: lxc/NAME, lxc.payload.NAME, lxc.monitor.NAME

function asLxc(name: string, at: Place): Found | null {
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

// AWS ECS: ecs/[CLUSTER/]TASK/CONTAINER, ecs/[TASK/]TASK-NUMBER, ecstasks-TASK.slice

function asEcs(name: string, at: Place): Found | null {
  if (at.holdsUnits && name.startsWith("ecstasks-")) {
    const task = withoutSuffix(name.slice("ecstasks-".length), ".slice");
    return HEX_32.test(task) ? { label: ecsTask(task, "", at.system), holdsUnits: true } : null;
  }
  const isTop = at.name === "ecs";
  if (!isTop && at.above?.name !== "ecs") return null;
  const task = name.slice(0, 32);
  if (HEX_32.test(task) && name[32] === "-" && DIGITS.test(name.slice(33))) {
    const supervisor = at.label?.kind === "ecs" ? at.label.supervisor : ecsTask(task, "", at.system).supervisor;
    return { label: labelled("ecs", name, { id: name, text: `ecs container ${name}`, supervisor }) };
  }
  if (!(HEX_32.test(name) || UUID.test(name)) || at.label?.kind === "ecs") return null;
  return { label: ecsTask(name, isTop ? "" : at.name, at.system) };
}

function ecsTask(id: string, cluster: string, system: System): Label {
  const where = cluster === "" ? [] : [`--cluster=${cluster}`];
  const short = id.slice(0, 12);
  const supervisor = by("ecs agent", true, system, "aws", "ecs", "stop-task", ...where, "--task", id);
  return labelled("ecs", short, { id, text: `ecs task ${short}`, supervisor });
}

// libvirt without systemd: machine/[PARTITION.partition/]qemu-ID-NAME.libvirt-qemu

function asLibvirt(name: string, at: Place): Found | null {
  const stem = withoutSuffix(name, ".libvirt-qemu");
  return stem === name || stem === "" ? null : { label: vmLabel(stem, at.system) };
}

/** libvirt leaves out of the name what is no letter, digit, dot or dash; the number is exact. */
function vmLabel(machine: string, system: System): Label {
  const [, domain, name = machine] = /^qemu-([0-9]+)-(.+)$/.exec(machine) ?? [];
  const plain = domain === undefined && machine.startsWith("qemu-") ? machine.slice("qemu-".length) : name;
  const supervisor = by("libvirt", false, system, "virsh", "shutdown", "--domain", domain ?? plain);
  return labelled("vm", plain, { aliases: [plain], supervisor });
}

// systemd

/** What systemd allows in the name of a unit; everything else was not made by it. */
const UNIT = /^[A-Za-z0-9:_.\\@-]+\.(service|scope|slice|socket|mount|swap)$/;

function asUnit(name: string, at: Place): Found | null {
  if (!at.holdsUnits) return null;
  // An underscore keeps a unit's name from being taken for a file of the kernel's.
  const unit = name.startsWith("_") ? name.slice(1) : name;
  const type = UNIT.exec(unit)?.[1];
  if (type === undefined) return null;
  const stem = unit.slice(0, -type.length - 1);
  if (type === "slice") return asSlice(unit, stem, at);
  if (type === "scope") return asScope(unit, stem, at);
  return asService(unit, stem, type, at);
}

function asSlice(unit: string, stem: string, { name, system }: Place): Found {
  const uid = name === "user.slice" && system.user === "" ? stem.slice("user-".length) : "";
  if (DIGITS.test(uid) && stem.startsWith("user-")) {
    const supervisor = by("logind", false, system, "loginctl", "terminate-user", uid);
    return { label: labelled("user", uid, { aliases: [stem], supervisor }), holdsUnits: true };
  }
  return { label: unitLabel("slice", unit, system, { mayRestart: true }), holdsUnits: true };
}

function asScope(unit: string, stem: string, at: Place): Found {
  const { system } = at;
  if (unit === "init.scope") {
    const text = system.user === "" ? "init" : "user init";
    return { label: labelled("init", unit, { text, supervisor: system.supervisor }) };
  }
  if (stem.startsWith("session-") && at.label?.kind === "user" && system.user === "") {
    const session = stem.slice("session-".length);
    const supervisor = by("logind", false, system, "loginctl", "terminate-session", session);
    return { label: labelled("session", session, { aliases: [stem], supervisor }) };
  }
  if (at.name === "qemu.slice" && DIGITS.test(stem)) {
    const supervisor = by("proxmox", false, system, "qm", "shutdown", stem);
    return { label: labelled("vm", stem, { aliases: [stem], supervisor }) };
  }
  const machine = stem.startsWith("machine-") ? unescapeUnit(stem.slice("machine-".length)) : "";
  if (HOST_NAME.test(machine)) {
    if (machine.startsWith("qemu-")) return { label: vmLabel(machine, system) };
    const own = by("machined", false, system, "machinectl", "terminate", machine);
    const supervisor = system.user === "" ? own : systemd(unit, system, false);
    return machineFound(machine, system, supervisor);
  }
  const label = asSnap(unit, stem, system, false) ?? asApp(unit, stem, system, "scope");
  return { label: label ?? unitLabel("scope", unit, system, { aliases: [stem] }) };
}

function asService(unit: string, stem: string, type: string, { name, system }: Place): Found {
  const [template = "", instance = ""] = splitAt(stem);
  // Below user@UID.service the user makes what names he likes, of another's manager too.
  if (unit === `user@${instance}.service` && name === `user-${instance}.slice` && system.user === "") {
    const supervisor = systemd(unit, system, false);
    const label = labelled("user", instance, { text: `user manager ${instance}`, supervisor });
    return { label, inside: { ...system, user: instance, supervisor } };
  }
  const machine = template === "systemd-nspawn" ? unescapeUnit(instance) : "";
  if (HOST_NAME.test(machine)) return machineFound(machine, system, systemd(unit, system, true));
  if (type !== "service") return { label: unitLabel("unit", unit, system, {}) };
  const label = asSnap(unit, stem, system, true) ?? asApp(unit, stem, system, "service");
  return { label: label ?? unitLabel("unit", unit, system, { mayRestart: true, aliases: [stem] }) };
}

function machineFound(name: string, system: System, supervisor: () => Supervisor): Found {
  const label = labelled("machine", name, { aliases: [name], supervisor });
  return { label, inside: { enter: () => null, machine: system === HOST ? name : "", user: "", supervisor } };
}

/** snap.SNAP.APP.service, snap.SNAP.APP[.-]UUID.scope */
function asSnap(unit: string, stem: string, system: System, mayRestart: boolean): Label | null {
  if (!stem.startsWith("snap.")) return null;
  const tag = stem.slice("snap.".length);
  const named = UUID.test(tag.slice(-36)) ? tag.slice(0, -37) : tag;
  const [snap = "", app = "", ...more] = named.split(".");
  if (snap === "" || app === "") return null;
  const name = snap === app && more.length === 0 ? snap : named;
  return labelled("snap", name, { aliases: [name], supervisor: systemd(unit, system, mayRestart) });
}

/**
 * app[-LAUNCHER]-APP-RANDOM.scope, app[-LAUNCHER]-APP@RANDOM.service, each without a dash of its own.
 *
 * @see systemd.io/DESKTOP_ENVIRONMENTS
 */
function asApp(unit: string, stem: string, system: System, type: "scope" | "service"): Label | null {
  if (system.user === "" || !stem.startsWith("app-")) return null;
  const [template = "", instance] = splitAt(stem);
  if (type === "service" && instance === undefined) return null;
  const words = type === "service" ? template.split("-") : stem.split("-").slice(0, -1);
  const app = unescapeUnit(words.length < 2 ? "" : (words.at(-1) ?? ""));
  if (app === "") return null;
  const text = `${words.length > 2 && words[1] === "flatpak" ? "flatpak" : "app"} ${app}`;
  return labelled("app", app, { text, aliases: [app], supervisor: systemd(unit, system, type === "service") });
}

function unitLabel(
  kind: LabelKind,
  unit: string,
  system: System,
  { mayRestart = false, aliases = [] }: { mayRestart?: boolean; aliases?: readonly string[] },
): Label {
  const name = unescapeUnit(unit);
  const text = `${system.user === "" ? "" : "user "}${kind} ${name}`;
  const names = name === unit ? [unit] : [unit, name];
  return labelled(kind, name, { text, aliases: [...names, ...aliases], supervisor: systemd(unit, system, mayRestart) });
}

/** systemd itself refuses to stop the slice that its own services are in. */
function systemd(unit: string, system: System, mayRestart: boolean): () => Supervisor {
  return () => {
    const name = system.user === "" ? "systemd" : "systemd --user";
    return { name, mayRestart, stop: unit === "system.slice" || unit === "-.slice" ? null : systemctl(system, unit) };
  };
}

/** systemctl finds its own way to a user's manager and into a machine: without sudo, and from the host. */
function systemctl({ enter, user, machine }: System, unit: string): string | null {
  const manager = user === "" ? [] : ["--user"];
  const where = user === "" && machine === "" ? [] : ["-M", user === "" ? machine : `${user}@${machine}`];
  const operand = unit.startsWith("-") ? ["--", unit] : [unit];
  const reach = machine === "" ? { ...HOST, enter } : HOST;
  return command(reach, "systemctl", ...manager, ...where, "stop", ...operand);
}

/** \xNN as UTF-8; left as it is where that gives no text that can be printed. */
function unescapeUnit(name: string): string {
  if (!name.includes("\\x")) return name;
  return name.replace(/(?:\\x[0-9a-f]{2})+/g, (escaped) => {
    const text = Buffer.from(escaped.replaceAll("\\x", ""), "hex").toString("utf8");
    return /[\p{C}\ufffd]/u.test(text) ? escaped : text;
  });
}

/** NAME@INSTANCE: split at the first @, as systemd does. */
function splitAt(stem: string): readonly string[] {
  const at = stem.indexOf("@");
  return at < 0 ? [stem] : [stem.slice(0, at), stem.slice(at + 1)];
}

const withoutSuffix = (name: string, suffix: string): string =>
  name.endsWith(suffix) ? name.slice(0, -suffix.length) : name;

// Commands for a shell

/** What lies below a user's manager that user has named: its commands are run as the user, never as root. */
function wordsIn({ enter, user }: System, words: readonly string[]): readonly string[] | null {
  const first = enter();
  if (first === null || user === "") return first && [...first, ...words];
  const isDocker = words[0] === "docker";
  const socket = isDocker ? ["docker", "-H", `unix:///run/user/${user}/docker.sock`, ...words.slice(1)] : words;
  return [...first, "sudo", "-u", `#${user}`, ...socket];
}

function command(system: System, ...words: readonly string[]): string | null {
  return wordsIn(system, words)?.map(quoteWord).join(" ") ?? null;
}
