// Containers and pods, by the names that their runtimes give to cgroups.

import type { Command } from "../advice.ts";
import {
  by,
  type Found,
  HEX_32,
  type Label,
  type LabelKind,
  labelled,
  type Place,
  type Supervisor,
  type System,
  UUID,
  withoutSuffix,
  wordsIn,
} from "./place.ts";

const HEX_64 = /^[0-9a-f]{64}$/;

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

export function asContainer(name: string, at: Place): Found | null {
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

export function asPod(name: string, at: Place): Found | null {
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
  const found = `{range .items[?(@.metadata.uid=="${uid}")]}{.metadata.namespace} {.metadata.name}{end}`;
  // The pipeline is one argument, and what it is given another: no shell but its own reads either.
  const pipeline = 'kubectl get pods -A -o jsonpath="$1" | xargs -r kubectl delete pod -n';
  const stop = (): Command | null => wordsIn(system, ["sh", "-c", pipeline, "sh", found]);
  const isOnServer = UUID.test(uid);
  const supervisor = (): Supervisor => ({ name: "kubelet", mayRestart: true, stop: isOnServer ? stop() : null });
  return labelled("pod", uid, { id: uid, supervisor });
}

function podmanPod(id: string, system: System): Label {
  const short = id.slice(0, 12);
  const supervisor = by("podman", true, system, "podman", "pod", "stop", short);
  return labelled("podman-pod", short, { id, text: `podman pod ${short}`, supervisor });
}
