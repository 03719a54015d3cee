// What systemd names: units, and the sessions, machines, snaps and apps that are units of a certain name.

import type { Command } from "../advice.ts";
import { vmLabel } from "./machines.ts";
import {
  by,
  DIGITS,
  type Found,
  HOST,
  type Label,
  type LabelKind,
  labelled,
  type Place,
  type Supervisor,
  type System,
  UUID,
  wordsIn,
} from "./place.ts";

const HOST_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]*$/;

/** What systemd allows in the name of a unit; everything else was not made by it. */
const UNIT = /^[A-Za-z0-9:_.\\@-]+\.(service|scope|slice|socket|mount|swap)$/;

export function asUnit(name: string, at: Place): Found | null {
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
function systemctl({ enter, user, machine }: System, unit: string): Command | null {
  const manager = user === "" ? [] : ["--user"];
  const where = user === "" && machine === "" ? [] : ["-M", user === "" ? machine : `${user}@${machine}`];
  const operand = unit.startsWith("-") ? ["--", unit] : [unit];
  const reach = machine === "" ? { ...HOST, enter } : HOST;
  return wordsIn(reach, ["systemctl", ...manager, ...where, "stop", ...operand]);
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
