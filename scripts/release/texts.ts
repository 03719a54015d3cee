// The files beside the binary: manual, completions, licences, changes, security.

import { readFileSync } from "node:fs";

import { SCRIPTS } from "../../src/cli/completion/scripts.ts";
import type { Facts } from "./facts.ts";
import { renderThirdParty } from "./licenses/third-party.ts";
import { renderMan } from "./man/man.ts";

const root = `${import.meta.dir}/../..`;

/** Their names in a release directory. */
export type TextName =
  | "cgkill.1"
  | "cgkill.bash"
  | "cgkill.zsh"
  | "cgkill.fish"
  | "LICENSE"
  | "THIRD-PARTY"
  | "CHANGES.md"
  | "SECURITY.md"
  | "install.sh";

export type Texts = Readonly<Record<TextName, Buffer<ArrayBuffer>>>;

/** @param key  the public key that the installer will require; "" for none */
export function renderTexts({ version, epoch }: Facts, key: string = ""): Texts {
  const read = (file: string): Buffer<ArrayBuffer> => Buffer.from(readFileSync(`${root}/${file}`, "utf8"));
  return {
    "cgkill.1": Buffer.from(renderMan(version, dateOf(epoch))),
    "cgkill.bash": Buffer.from(SCRIPTS.bash),
    "cgkill.zsh": Buffer.from(SCRIPTS.zsh),
    "cgkill.fish": Buffer.from(SCRIPTS.fish),
    LICENSE: read("LICENSE"),
    "THIRD-PARTY": Buffer.from(renderThirdParty()),
    "CHANGES.md": read("scripts/release/CHANGES.md"),
    "SECURITY.md": read("scripts/release/SECURITY.md"),
    "install.sh": installer(key),
  };
}

/** @param key  as in `renderTexts` */
export const installer = (key: string): Buffer<ArrayBuffer> =>
  Buffer.from(withKey(readFileSync(`${root}/scripts/release/install.sh`, "utf8"), key));

/** As YYYY-MM-DD. */
export const dateOf = (epoch: number): string => new Date(epoch * 1000).toISOString().slice(0, 10);

/** Write a public key, as "type base64", into the installer. */
function withKey(script: string, key: string): string {
  const [line] = script.match(/^built_in_key=''$/m) ?? [];
  if (line === undefined) throw new Error("install.sh has no line for the key");
  if (!/^([a-z0-9@.-]+ [A-Za-z0-9+/=]+)?$/.test(key)) throw new Error("not a public key of one line");
  return script.replace(line, `built_in_key='${key}'`);
}
