// What systemd names: units, and the sessions, machines, snaps and apps that are units with a certain name.

import type { Command } from "../advice.ts";
import { vmLabel } from "./containers.ts";
import {
  commandInside,
  type Component,
  createLabel,
  HOST,
  isNumber,
  isUuid,
  type Label,
  type LabelKind,
  supervisedBy,
  type Supervisor,
  type System,
} from "./types.ts";

const isHostName = (text: string): boolean => /^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(text);

/** The type of a unit; `undefined` if systemd does not allow the name, and so did not create it. */
const typeOfUnit = (name: string): string | undefined =>
  /^[A-Za-z0-9:_.\\@-]+\.(service|scope|slice|socket|mount|swap)$/.exec(name)?.[1];

export function recognizeUnit(name: string, parent: Component): Label | null {
  // Each unit has its type after a dot. A pattern takes most of its time the first time that it is tried.
  if (!parent.holdsUnits || !name.includes(".")) return null;
  // systemd puts an underscore before a unit name that could be a file of the kernel.
  const unit = name.startsWith("_") ? name.slice(1) : name;
  const type = typeOfUnit(unit);
  if (type === undefined) return null;
  const stem = unit.slice(0, -type.length - 1);
  if (type === "slice") return recognizeSlice(unit, stem, parent);
  if (type === "scope") return recognizeScope(unit, stem, parent);
  return recognizeService(unit, stem, type, parent);
}

function recognizeSlice(unit: string, stem: string, { name, system }: Component): Label {
  const uid = name === "user.slice" && system.user === "" ? stem.slice("user-".length) : "";
  if (isNumber(uid) && stem.startsWith("user-")) {
    const supervisor = supervisedBy("logind", false, system, "loginctl", "terminate-user", uid);
    return createLabel("user", uid, { aliases: [stem], supervisor, holdsUnits: true });
  }
  return { ...unitLabel("slice", unit, system, true), holdsUnits: true };
}

function recognizeScope(unit: string, stem: string, parent: Component): Label {
  const { system } = parent;
  if (unit === "init.scope") {
    const text = system.user === "" ? "init" : "user init";
    return createLabel("init", unit, { text, supervisor: system.supervisor });
  }
  if (stem.startsWith("session-") && parent.label?.kind === "user" && system.user === "") {
    const session = stem.slice("session-".length);
    const supervisor = supervisedBy("logind", false, system, "loginctl", "terminate-session", session);
    return createLabel("session", session, { aliases: [stem], supervisor });
  }
  if (parent.name === "qemu.slice" && isNumber(stem)) {
    const supervisor = supervisedBy("proxmox", false, system, "qm", "shutdown", stem);
    return createLabel("vm", stem, { aliases: [stem], supervisor });
  }
  const machine = stem.startsWith("machine-") ? unescapeUnit(stem.slice("machine-".length)) : "";
  if (isHostName(machine)) {
    if (machine.startsWith("qemu-")) return vmLabel(machine, system);
    const own = supervisedBy("machined", false, system, "machinectl", "terminate", machine);
    const supervisor = system.user === "" ? own : systemd(unit, system, false);
    return labelMachine(machine, system, supervisor);
  }
  const label = recognizeSnap(unit, stem, system, false) ?? recognizeApp(unit, stem, system, false);
  return label ?? unitLabel("scope", unit, system, false, stem);
}

function recognizeService(unit: string, stem: string, type: string, { name, system }: Component): Label {
  const [template = "", instance = ""] = splitAt(stem);
  // Below their own manager, users choose the names of units, including those of other managers.
  if (unit === `user@${instance}.service` && name === `user-${instance}.slice` && system.user === "") {
    const supervisor = systemd(unit, system, false);
    const inside = { ...system, user: instance, supervisor };
    return createLabel("user", instance, { text: `user manager ${instance}`, supervisor, inside });
  }
  const machine = template === "systemd-nspawn" ? unescapeUnit(instance) : "";
  if (isHostName(machine)) return labelMachine(machine, system, systemd(unit, system, true));
  if (type !== "service") return unitLabel("unit", unit, system, false);
  const label = recognizeSnap(unit, stem, system, true) ?? recognizeApp(unit, stem, system, true);
  return label ?? unitLabel("unit", unit, system, true, stem);
}

function labelMachine(name: string, system: System, supervisor: () => Supervisor): Label {
  const inside = { enter: () => null, machine: system === HOST ? name : "", user: "", supervisor };
  return createLabel("machine", name, { aliases: [name], supervisor, inside });
}

/** snap.SNAP.APP.service, snap.SNAP.APP[.-]UUID.scope */
function recognizeSnap(unit: string, stem: string, system: System, mayRestart: boolean): Label | null {
  if (!stem.startsWith("snap.")) return null;
  const tag = stem.slice("snap.".length);
  const named = isUuid(tag.slice(-36)) ? tag.slice(0, -37) : tag;
  const [snap = "", app = "", ...more] = named.split(".");
  if (snap === "" || app === "") return null;
  const name = snap === app && more.length === 0 ? snap : named;
  return createLabel("snap", name, { aliases: [name], supervisor: systemd(unit, system, mayRestart) });
}

/**
 * app[-LAUNCHER]-APP-RANDOM.scope, app[-LAUNCHER]-APP@RANDOM.service. The parts contain no dashes.
 *
 * @see systemd.io/DESKTOP_ENVIRONMENTS
 */
function recognizeApp(unit: string, stem: string, system: System, isService: boolean): Label | null {
  if (system.user === "" || !stem.startsWith("app-")) return null;
  const [template = "", instance] = splitAt(stem);
  if (isService && instance === undefined) return null;
  const words = isService ? template.split("-") : stem.split("-").slice(0, -1);
  const app = unescapeUnit(words.length < 2 ? "" : (words.at(-1) ?? ""));
  if (app === "") return null;
  const text = `${words.length > 2 && words[1] === "flatpak" ? "flatpak" : "app"} ${app}`;
  return createLabel("app", app, { text, aliases: [app], supervisor: systemd(unit, system, isService) });
}

function unitLabel(
  kind: LabelKind,
  unit: string,
  system: System,
  mayRestart: boolean,
  ...stem: readonly string[]
): Label {
  const name = unescapeUnit(unit);
  const text = `${system.user === "" ? "" : "user "}${kind} ${name}`;
  const names = name === unit ? [unit] : [unit, name];
  return createLabel(kind, name, { text, aliases: [...names, ...stem], supervisor: systemd(unit, system, mayRestart) });
}

/** systemd refuses to stop the slices that contain its own services. */
function systemd(unit: string, system: System, mayRestart: boolean): () => Supervisor {
  return () => {
    const name = system.user === "" ? "systemd" : "systemd --user";
    return { name, mayRestart, stop: unit === "system.slice" || unit === "-.slice" ? null : systemctl(system, unit) };
  };
}

/** systemctl reaches user managers and machines by itself: without sudo, and from the host. */
function systemctl({ enter, user, machine }: System, unit: string): Command | null {
  const manager = user === "" ? [] : ["--user"];
  const where = user === "" && machine === "" ? [] : ["-M", user === "" ? machine : `${user}@${machine}`];
  const operand = unit.startsWith("-") ? ["--", unit] : [unit];
  const reach = machine === "" ? { ...HOST, enter } : HOST;
  return commandInside(reach, ["systemctl", ...manager, ...where, "stop", ...operand]);
}

/** Decode \xNN as UTF-8. Escapes of anything that is not printable text are left as they are. */
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

// OpenRC: rc/SERVICE, before that openrc.SERVICE, and openrc_SERVICE in the v1 controllers

const isServiceName = (text: string): boolean => /^[A-Za-z0-9_][A-Za-z0-9._+-]*$/.test(text);

export function recognizeOpenrc(name: string, parent: Component): Label | null {
  const isInDir = parent.name === "rc" && parent.parent?.name === "" && parent.parent.holdsUnits;
  const isAtTop = parent.name === "" && (name.startsWith("openrc.") || name.startsWith("openrc_"));
  const service = isInDir ? name : isAtTop ? name.slice("openrc_".length) : "";
  if (service === "" || !isServiceName(service)) return null;
  const supervisor = supervisedBy("openrc", false, parent.system, "rc-service", service, "stop");
  return createLabel("openrc", service, { aliases: [service], supervisor });
}
