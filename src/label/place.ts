// What the readers of names share: what a label says, where a name stands, and commands that reach there.

import type { Command } from "../advice.ts";

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
  /** `null` where no one command does it. */
  readonly stop: Command | null;
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
export interface System {
  /** The words before a command that make it run inside; `null` where there are none. */
  readonly enter: () => readonly string[] | null;
  /** For `systemctl -M`. */
  readonly machine: string;
  /** The uid of the user manager, or "". */
  readonly user: string;
  readonly supervisor: Label["supervisor"];
}

export interface Found {
  readonly label: Label;
  /** What lies below is another system's. */
  readonly inside?: System;
  readonly holdsUnits?: boolean;
}

export interface Place {
  readonly name: string;
  readonly above: Place | null;
  readonly label: Label | null;
  /** The container or machine of which this is a part; else its own label. */
  readonly whole: Label | null;
  readonly system: System;
  /** systemd makes units right below: the root of a system, a slice, a user manager. */
  readonly holdsUnits: boolean;
}

export const HOST: System = { enter: () => [], machine: "", user: "", supervisor: () => null };

export const HEX_32: RegExp = /^[0-9a-f]{32}$/;
export const UUID: RegExp = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
export const DIGITS: RegExp = /^[0-9]+$/;

export const withoutSuffix = (name: string, suffix: string): string =>
  name.endsWith(suffix) ? name.slice(0, -suffix.length) : name;

export function labelled(
  kind: LabelKind,
  name: string,
  rest: { id?: string; text?: string; aliases?: readonly string[]; supervisor?: Label["supervisor"] } = {},
): Label {
  const { id = null, text = `${kind} ${name}`, aliases = id === null ? [] : [id], supervisor = HOST.supervisor } = rest;
  return { kind, name, id, text, aliases, supervisor };
}

export function by(
  name: string,
  mayRestart: boolean,
  system: System = HOST,
  ...words: readonly string[]
): () => Supervisor {
  return () => ({ name, mayRestart, stop: words.length === 0 ? null : wordsIn(system, words) });
}

/** What lies below a user's manager that user has named: its commands are run as the user, never as root. */
export function wordsIn({ enter, user }: System, words: Command): Command | null {
  const first = enter();
  if (first === null || user === "") return first && [...first, ...words];
  const isDocker = words[0] === "docker";
  const socket = isDocker ? ["docker", "-H", `unix:///run/user/${user}/docker.sock`, ...words.slice(1)] : words;
  return [...first, "sudo", "-u", `#${user}`, ...socket];
}
