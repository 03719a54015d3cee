// The places where a call of cgkill, or a question, prints commands with names in them.

import type { Command } from "../../../src/advice.ts";
import type { TargetCommand } from "../../../src/cli/args/command.ts";
import { parseArgs } from "../../../src/cli/args/parse.ts";
import { equivalentOf } from "../../../src/cli/interactive/confirmed-kill.ts";
import { runTargetMenu } from "../../../src/cli/interactive/target-menu.ts";
import { renderCommand } from "../../../src/cli/text/render-advice.ts";
import { compileGlob } from "../../../src/inspect/glob.ts";
import { newContext } from "../../../src/kill/context.ts";
import { resultOfError, resultOfKill } from "../../../src/kill/outcome.ts";
import { guardIdentity } from "../../../src/kill/plan/identity.ts";
import { planKill } from "../../../src/kill/plan/plan.ts";
import { DEFAULT_OPTIONS } from "../../../src/kill/types.ts";
import { writtenIo } from "../../cli/support.ts";
import { FakeKernel } from "../fake-kernel/fake-kernel.ts";
import { belowFrozen, endOfOptions, failureText, opened, type Places, run, TOP, V2 } from "./place.ts";

/** A name with one of these that is not a cgroup is treated as a pattern. */
const isGlob = (name: string): boolean => /[*?[{]/.test(name);
const globOr = (typed: string, parent: string, other: Command): Command =>
  isGlob(typed) ? ["cgkill", "list", "--all", parent] : ["cgkill", ...other];

export const CALLS: Places = {
  "thaw below a frozen ancestor": {
    from: ["freeze/freeze-thaw.ts"],
    text: (name) => run(belowFrozen(name), ["thaw", `${TOP}/${name}/target`]),
    commands: (name) => [["cgkill", "thaw", `${TOP}/${name}`]],
  },
  "a kill that is refused below a frozen ancestor": {
    from: ["kill/plan/guard.ts"],
    text: (name) => {
      const kernel = belowFrozen(name);
      kernel.isWritable = () => false;
      return run(kernel, ["kill", `${TOP}/${name}/target`]);
    },
    commands: (name) => [["cgkill", "thaw", `${TOP}/${name}`]],
  },
  "show of what would be refused": {
    from: ["kill/plan/guard.ts"],
    text: (name) => {
      const kernel = belowFrozen(name);
      kernel.isWritable = () => false;
      return run(kernel, ["show", `${TOP}/${name}/target`]);
    },
    commands: (name) => [["cgkill", "thaw", `${TOP}/${name}`]],
  },
  "a survivor that is frozen elsewhere": {
    from: ["kill/frozen-by.ts"],
    text: (name) => {
      const kernel = new FakeKernel();
      const target = kernel.makeGroup("v2", "target");
      const group = kernel.makeGroup("freezer", name);
      group.isSwitchedOn = true;
      kernel.addProcess({ group: target, which: "v2" }).groups.set(kernel.hierarchy("freezer"), group);
      kernel.failNext("write", /freezer\/cgroup\.procs$/, "EACCES", Number.POSITIVE_INFINITY);
      return run(kernel, ["kill", "-t", "50ms", `${V2}/target`]);
    },
    commands: (name) => [["cgkill", "thaw", `${TOP}/${name}`]],
  },
  "a threaded cgroup": {
    from: ["kill/plan/guard.ts"],
    text: (name) => {
      const kernel = new FakeKernel();
      const outside = kernel.makeGroup("v2", name);
      const target = kernel.makeGroup("v2", `${name}/target`);
      target.isThreaded = true;
      kernel.addProcess({ group: target, which: "v2", otherThreads: [{ tid: 9000, group: outside }] });
      return run(kernel, ["kill", `${V2}/${name}/target`]);
    },
    commands: (name) => [["cgkill", "show", `${V2}/${name}`]],
  },
  "a cgroup that could not be thawed": {
    from: ["kill/outcome.ts"],
    text: async (name) => {
      const kernel = belowFrozen(name);
      const plan = await planKill(kernel, opened(kernel, `${TOP}/${name}/target`), DEFAULT_OPTIONS);
      const control = { deadline: kernel.now(), abort: new AbortController().signal, onEvent: () => {} };
      const ctx = newContext(kernel, plan, control);
      ctx.record.leftFrozen.add(`${TOP}/${name}`);
      return failureText(resultOfKill(ctx, []));
    },
    commands: (name) => [["cgkill", "thaw", `${TOP}/${name}`]],
  },
  "a cgroup that was re-created": {
    from: ["kill/plan/identity.ts"],
    text: async (name) => {
      const kernel = new FakeKernel();
      const group = kernel.makeGroup("v2", `top/${name}`);
      const cgroup = opened(kernel, `${V2}/top/${name}`);
      kernel.removeGroup(group);
      kernel.makeGroup("v2", `top/${name}`);
      try {
        guardIdentity(kernel, cgroup);
      } catch (error) {
        return failureText(resultOfError(error));
      }
      throw new Error("not refused");
    },
    commands: (name) => [["cgkill", "show", `${V2}/top/${name}`]],
  },
  "did you mean, a path": {
    from: ["cli/targets/did-you-mean.ts"],
    text: (name) => {
      const kernel = new FakeKernel();
      kernel.makeGroup("v2", `top/web-${name}`);
      return run(kernel, ["kill", `/top/web-${name}x`]);
    },
    commands: (name) => [globOr(`web-${name}x`, "/top", ["show", `/top/web-${name}`])],
  },
  "did you mean, a directory": {
    from: ["cli/targets/did-you-mean.ts"],
    text: (name) => {
      const kernel = new FakeKernel();
      kernel.makeGroup("freezer", `web-${name}`);
      return run(kernel, ["thaw", `${TOP}/web-${name}x`]);
    },
    commands: (name) => [globOr(`web-${name}x`, TOP, ["show", `${TOP}/web-${name}`])],
  },
  "did you mean, a pattern": {
    from: ["cli/targets/did-you-mean.ts"],
    text: (name) => {
      const kernel = new FakeKernel();
      kernel.makeGroup("v2", `web-${name}`);
      return run(kernel, ["kill", "--name", `web-${name}xy`]);
    },
    commands: (name) => [["cgkill", "show", `${V2}/web-${name}`]],
  },
  "a path that is given to --name": {
    from: ["cli/targets/by-pattern.ts"],
    text: (name) => run(new FakeKernel(), ["kill", "--name", `/top/web-${name}`]),
    commands: (name) => [["cgkill", "show", `/top/web-${name}`]],
  },
  "a name that --name finds": {
    from: ["cli/targets/explain-name.ts"],
    text: (name) => {
      const kernel = new FakeKernel();
      kernel.makeGroup("v2", `top/web-${name}`);
      return run(kernel, ["freeze", "--hierarchy", "v2", `web-${name}`]);
    },
    commands(name) {
      const where = ["--hierarchy", "v2"];
      const own = `web-${name}`;
      const isFound = isGlob(own) || compileGlob(own)(own);
      return [isFound ? ["cgkill", "freeze", ...where, "--name", own] : ["cgkill", "show", `${V2}/top/${own}`]];
    },
  },
  "a mistyped command": {
    from: ["cli/args/mistyped.ts"],
    text: (name) => run(new FakeKernel(), ["lst", "--", name]),
    commands: (name) => [["cgkill", "list", ...endOfOptions(name), name]],
  },
  "a kill by another word": {
    from: ["cli/args/mistyped.ts"],
    text: (name) => run(new FakeKernel(), ["rm", "-g", "5s", "--spare-to", name, "--", name]),
    commands: (name) => [["cgkill", "kill", "-g", "5s", "--spare-to", name, ...endOfOptions(name), name]],
  },
  "a signal as an option": {
    from: ["cli/args/to-words.ts"],
    text: (name) => run(new FakeKernel(), ["-HUP", "--", name]),
    commands: (name) => [["cgkill", "signal", "HUP", ...endOfOptions(name), name]],
  },
  "a kill with --force": {
    from: ["cli/args/to-words.ts"],
    text: (name) => run(new FakeKernel(), ["rm", "-rf", "--", name]),
    commands: (name) => [["cgkill", "kill", "--remove", ...endOfOptions(name), name]],
  },
  "SIGKILL by cgkill signal": {
    from: ["cli/args/to-words.ts"],
    text: (name) => run(new FakeKernel(), ["signal", "KILL", "--pid", "7", "--", name]),
    commands: (name) => [["cgkill", "kill", "--pid", "7", ...endOfOptions(name), name]],
  },
  "a signal without a grace period": {
    from: ["cli/args/to-words.ts"],
    text: (name) => run(new FakeKernel(), ["-s", "HUP", "--json", "--", name]),
    commands: (name) => [["cgkill", "signal", "HUP", "--json", ...endOfOptions(name), name]],
  },
  "only files of a cgroup": {
    from: ["cli/args/to-words.ts"],
    text: (name) => {
      const kernel = new FakeKernel();
      kernel.makeGroup("v2", name);
      return run(kernel, [`${V2}/${name}/cgroup.procs`, `${V2}/${name}/cgroup.type`]);
    },
    commands: (name) => [["cgkill", "show", `${V2}/${name}`]],
  },
  "the non-interactive equivalent": {
    from: ["cli/interactive/confirmed-kill.ts"],
    text: async (name) => {
      const kernel = new FakeKernel();
      kernel.makeGroup("v2", name);
      const plan = await planKill(kernel, opened(kernel, `${V2}/${name}`), DEFAULT_OPTIONS);
      return renderCommand(equivalentOf(plan, parseArgs(["-i", "--spare-to", name, "x"]) as TargetCommand));
    },
    commands: (name) => [["cgkill", "kill", "--spare-to", name, `${V2}/${name}`]],
  },
  "the non-interactive equivalent for twins": {
    from: ["cli/interactive/confirmed-kill.ts"],
    text: async (name) => {
      const kernel = new FakeKernel();
      for (const which of ["v2", "freezer"] as const) kernel.makeGroup(which, name);
      const plan = await planKill(kernel, opened(kernel, `${V2}/${name}`), DEFAULT_OPTIONS);
      const twin = await planKill(kernel, opened(kernel, `${TOP}/${name}`), DEFAULT_OPTIONS);
      const menuResult = { ...plan, twin, options: { ...plan.options, remove: true } };
      return renderCommand(equivalentOf(menuResult, parseArgs(["-i", "x"]) as TargetCommand));
    },
    commands: (name) => [["cgkill", "kill", "--remove", `/${name}`]],
  },
  "two targets with one path": {
    from: ["cgroup/open/open-errors.ts"],
    text: (name) => {
      const kernel = new FakeKernel();
      for (const which of ["v2", "freezer"] as const) {
        kernel.addProcess({ group: kernel.makeGroup(which, `top/${name}`), which });
      }
      return run(kernel, ["kill", `/top/${name}`]);
    },
    commands: (name) => [V2, TOP].map((point) => ["cgkill", "show", `${point}/top/${name}`]),
  },
  "a freeze that does not complete": {
    from: ["freeze/freeze-thaw.ts"],
    text: (name) => {
      const kernel = new FakeKernel();
      const group = kernel.makeGroup("freezer", name);
      group.readsToFreeze = Number.POSITIVE_INFINITY;
      kernel.addProcess({ group, which: "freezer" });
      return run(kernel, ["freeze", "-t", "50ms", `${TOP}/${name}`]);
    },
    commands: (name) => [["cgkill", "show", `${TOP}/${name}`]],
  },
  "a thaw that another process undoes": {
    from: ["freeze/freeze-thaw.ts"],
    text: (name) => {
      const kernel = new FakeKernel();
      const group = kernel.makeGroup("v2", name);
      kernel.addProcess({ group, which: "v2" });
      kernel.onAccess = () => (group.isSwitchedOn = true);
      return run(kernel, ["thaw", "-t", "50ms", `${V2}/${name}`]);
    },
    commands: (name) => [["cgkill", "show", `${V2}/${name}`]],
  },
  "a cgroup that was re-created during the call": {
    from: ["cli/targets/resolve.ts"],
    text: (name) => {
      const kernel = new FakeKernel();
      // More than are kept open.
      const others = Array.from({ length: 40 }, (_, at) => `${V2}/o${at}`);
      for (let at = 0; at < 40; at++) kernel.addProcess({ group: kernel.makeGroup("v2", `o${at}`), which: "v2" });
      const group = kernel.makeGroup("v2", `top/${name}`);
      kernel.onAccess = (operation, path) => {
        if (operation !== "write" || !path.endsWith("/o0/cgroup.kill")) return;
        kernel.onAccess = () => {};
        kernel.removeGroup(group);
        kernel.makeGroup("v2", `top/${name}`);
      };
      return run(kernel, ["kill", ...others, `${V2}/top/${name}`]);
    },
    commands: (name) => [["cgkill", "show", `${V2}/top/${name}`]],
  },
  "no guardian for an interactive freeze": {
    from: ["cli/interactive/target-menu.ts"],
    text: async (name) => {
      const kernel = new FakeKernel();
      kernel.addProcess({ group: kernel.makeGroup("freezer", name), which: "freezer" });
      const { io, err } = writtenIo();
      const answers = ["freeze", "leave"];
      const next = async () => answers.shift() as never;
      const plan = await planKill(kernel, opened(kernel, `${TOP}/${name}`), DEFAULT_OPTIONS);
      await runTargetMenu(plan, {
        command: parseArgs(["-i", "x"]) as TargetCommand,
        cli: { sys: kernel, io, abort: new AbortController().signal },
        prompts: { pickMany: next, choose: next, confirm: next, confirmByTyping: next },
        guard: () => Promise.reject(new Error("no process left")),
      });
      kernel.close(plan.cgroup.fd);
      return err();
    },
    commands: (name) => [["cgkill", "thaw", `${TOP}/${name}`]],
  },
  "a process that left the cgroup in which it was found": {
    from: ["cgroup/open/open-by-pid.ts"],
    text: (name) => {
      const kernel = new FakeKernel();
      const process = kernel.addProcess({ group: kernel.makeGroup("v2", `top/${name}`), which: "v2", pid: 4711 });
      kernel.onAccess = (operation, path) => {
        if (operation !== "open" || !path.endsWith(`top/${name}`)) return;
        process.groups.set(kernel.hierarchy("v2"), kernel.hierarchy("v2").root);
      };
      return run(kernel, ["show", "--pid", "4711"]);
    },
    commands: () => [["cgkill", "show", "--pid", "4711"]],
  },
};
