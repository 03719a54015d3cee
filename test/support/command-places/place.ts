// A place in the source that prints commands, and how to make it print them on the modelled kernel.

import { expect } from "bun:test";

import type { Command } from "../../../src/advice.ts";
import { findHierarchies } from "../../../src/cgroup/open/hierarchy.ts";
import { openCgroup } from "../../../src/cgroup/open/open.ts";
import type { Cgroup } from "../../../src/cgroup/types.ts";
import { runCgkill } from "../../../src/cli/dispatch.ts";
import { renderProblem } from "../../../src/cli/output/outcome-text.ts";
import type { KillOutcome } from "../../../src/kill/types.ts";
import { PLAIN, writtenIo } from "../../cli/support.ts";
import { FakeKernel } from "../fake-kernel/fake-kernel.ts";

export const TOP = "/sys/fs/cgroup/freezer";
export const V2 = "/sys/fs/cgroup/unified";

export interface Place {
  /** The files in src that make the commands. */
  readonly from: readonly string[];
  readonly text: (name: string) => Promise<string> | string;
  readonly commands: (name: string) => readonly Command[];
  /** Whether something there can have the name; by default anything can. */
  readonly canBeNamed?: (name: string) => boolean;
}

export type Places = Readonly<Record<string, Place>>;

export async function run(kernel: FakeKernel, argv: readonly string[]): Promise<string> {
  const { io, out, err } = writtenIo();
  await runCgkill(argv, { sys: kernel, io, abort: new AbortController().signal });
  expect(kernel.openDescriptors).toBe(0);
  return out() + err();
}

/** A target below a frozen cgroup with this name. */
export function belowFrozen(name: string): FakeKernel {
  const kernel = new FakeKernel();
  kernel.addProcess({ group: kernel.makeGroup("freezer", `${name}/target`), which: "freezer" });
  kernel.makeGroup("freezer", name).isSwitchedOn = true;
  return kernel;
}

export const opened = (kernel: FakeKernel, path: string): Cgroup => openCgroup(kernel, findHierarchies(kernel), path);

export const failureText = ({ error }: Pick<KillOutcome, "error">): string => renderProblem({ error }, PLAIN);

export const endOfOptions = (name: string): readonly string[] => (name.startsWith("-") && name !== "-" ? ["--"] : []);
