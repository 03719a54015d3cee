// What the readers of names share: labels, the components of a path, and commands that reach what a label names.

import type { Command } from "../advice.ts";

type UnitKind = "init" | "unit" | "scope" | "slice" | "session" | "user" | "app" | "snap" | "openrc";
type ContainerKind = "docker" | "podman" | "nerdctl" | "containerd" | "cri-o" | "container" | "build";
type JobKind = "pod" | "podman-pod" | "nomad" | "ecs" | "slurm";
type MachineKind = "lxc" | "machine" | "vm";
export type LabelKind = UnitKind | ContainerKind | JobKind | MachineKind | "group";

/** The program that manages what a label names. */
export interface Supervisor {
  readonly name: string;
  /** Whether it restarts what dies. The name of a cgroup does not show whether it is configured to. */
  readonly mayRestart: boolean;
  /** The command that stops it properly; `null` if there is no single one. */
  readonly stop: Command | null;
}

export interface Label {
  readonly kind: LabelKind;
  /** Short, as its own tools print it: 12 digits of a container id, a unit name with \xNN decoded. */
  readonly name: string;
  /** The complete id, which may be abbreviated; `null` for named things, and for parts and helpers. */
  readonly id: string | null;
  readonly text: string;
  /** Other names besides the last component. Parts and helpers have none, so that an id names one cgroup. */
  readonly aliases: readonly string[];
  /** Several cgroups with an alias in common are one thing if this is the same for all; `null`: they are ambiguous. */
  readonly bundle: string | null;
  /** `--name` never finds it, not even by its last component: it holds the supervisor of the parts that have its names. */
  readonly isNameless: boolean;
  /** Computed on demand, because a list of thousands of cgroups never needs it. */
  readonly supervisor: () => Supervisor | null;
  /** Everything below belongs to this system. */
  readonly inside?: System | undefined;
  /** systemd creates units directly below; by default if it is another system inside. */
  readonly holdsUnits?: boolean;
}

/** The host, container, machine or user manager that a cgroup belongs to: where its commands have to run. */
export interface System {
  /** The words before a command that run it inside; `null` if no single command does. */
  readonly enter: () => readonly string[] | null;
  /** For `systemctl -M`; "" on the host. */
  readonly machine: string;
  /** The uid of the user manager, or "". */
  readonly user: string;
  readonly supervisor: Label["supervisor"];
}

export const HOST: System = { enter: () => [], machine: "", user: "", supervisor: () => null };

/** One component of a path. */
export interface Component {
  readonly name: string;
  readonly parent: Component | null;
  readonly label: Label | null;
  /** The label of the container or machine that this is a part of; otherwise its own. */
  readonly whole: Label | null;
  readonly system: System;
  /** systemd creates units directly below: the root of a system, a slice, a user manager. */
  readonly holdsUnits: boolean;
}

// Patterns inside functions: at the top level each would delay every kill by 0.03 ms.

export const isHex32 = (text: string): boolean => /^[0-9a-f]{32}$/.test(text);
export const isHex64 = (text: string): boolean => /^[0-9a-f]{64}$/.test(text);
export const isUuid = (text: string): boolean =>
  /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/.test(text);
export const isNumber = (text: string): boolean => /^[0-9]+$/.test(text);

export const withoutSuffix = (name: string, suffix: string): string =>
  name.endsWith(suffix) ? name.slice(0, -suffix.length) : name;

/** The text is "KIND NAME" by default, and the only alias is the id, if there is one. */
export function createLabel(
  kind: LabelKind,
  name: string,
  rest: { id?: string } & Partial<Omit<Label, "kind" | "name" | "id">> = {},
): Label {
  const { id = null, text = `${kind} ${name}`, aliases = id === null ? [] : [id] } = rest;
  return { kind, name, text, aliases, bundle: null, isNameless: false, supervisor: HOST.supervisor, ...rest, id };
}

/** @param words  the command that stops it, as it is run inside `system`; none if there is no single one */
export function supervisedBy(
  name: string,
  mayRestart: boolean,
  system: System = HOST,
  ...words: readonly string[]
): () => Supervisor {
  return () => ({ name, mayRestart, stop: words.length === 0 ? null : commandInside(system, words) });
}

/** Below a user manager, that user chooses the names: commands run as the user, never as root. */
export function commandInside({ enter, user }: System, words: Command): Command | null {
  const first = enter();
  if (first === null || user === "") return first && [...first, ...words];
  const isDocker = words[0] === "docker";
  const socket = isDocker ? ["docker", "-H", `unix:///run/user/${user}/docker.sock`, ...words.slice(1)] : words;
  return [...first, "sudo", "-u", `#${user}`, ...socket];
}
