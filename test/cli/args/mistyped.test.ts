// A typing error never kills: calls from people's habits with systemctl, docker, kubectl, ps, rm and git, on a model where
// everything they name is there to be killed.

import { describe, expect, test } from "bun:test";

import { typingError } from "../../../src/cli/args/mistyped.ts";
import { runCgkill } from "../../../src/cli/dispatch.ts";
import { FakeKernel } from "../../support/fake-kernel.ts";
import { writtenIo } from "../support.ts";

function hostWith(names: readonly string[]): FakeKernel {
  const kernel = new FakeKernel({ layout: "unified" });
  for (const name of names) kernel.addProcess({ group: kernel.makeGroup("v2", name), which: "v2" });
  return kernel;
}

async function run(kernel: FakeKernel, line: string) {
  const { io, out, err } = writtenIo();
  const argv = line.split(" ").slice(1);
  const code = await runCgkill(argv, { sys: kernel, io, abort: new AbortController().signal });
  expect(kernel.openDescriptors).toBe(0);
  return { code, out: out(), err: err(), writes: kernel.writes };
}

/** What was typed, and the call that is to be named. */
const TYPED: ReadonlyArray<readonly [string, string]> = [
  ["cgkill ls web", "cgkill list web"],
  ["cgkill ps web", "cgkill list web"],
  ["cgkill top web", "cgkill list web"],
  ["cgkill tree web db", "cgkill list web"],
  ["cgkill get web", "cgkill list web"],
  ["cgkill list-units web", "cgkill list web"],
  ["cgkill stats web", "cgkill list web"],
  ["cgkill lsit web", "cgkill list web"],
  ["cgkill lst web", "cgkill list web"],
  ["cgkill LS web", "cgkill list web"],
  ["cgkill status web", "cgkill show web"],
  ["cgkill stauts web", "cgkill show web"],
  ["cgkill status web db", "cgkill show web db"],
  ["cgkill info web", "cgkill show web"],
  ["cgkill inspect web", "cgkill show web"],
  ["cgkill describe web", "cgkill show web"],
  ["cgkill descibe web", "cgkill show web"],
  ["cgkill cat web", "cgkill show web"],
  ["cgkill logs web", "cgkill show web"],
  ["cgkill diff web", "cgkill show web"],
  ["cgkill is-active web", "cgkill show web"],
  ["cgkill shwo web", "cgkill show web"],
  ["cgkill shows web", "cgkill show web"],
  ["cgkill pause web", "cgkill freeze web"],
  ["cgkill suspend web", "cgkill freeze web"],
  ["cgkill freze web", "cgkill freeze web"],
  ["cgkill unfreeze web", "cgkill thaw web"],
  ["cgkill unpause web", "cgkill thaw web"],
  ["cgkill resume web", "cgkill thaw web"],
  ["cgkill continue web", "cgkill thaw web"],
  ["cgkill thwa web", "cgkill thaw web"],
  ["cgkill stop web", "cgkill kill web"],
  ["cgkill stop web.service", "cgkill kill web.service"],
  ["cgkill rm web", "cgkill kill web"],
  ["cgkill -r rm web", "cgkill kill --remove web"],
  ["cgkill delete web db", "cgkill kill web db"],
  ["cgkill remove web", "cgkill kill web"],
  ["cgkill terminate web", "cgkill kill web"],
  ["cgkill killall web", "cgkill kill web"],
  ["cgkill pkill web", "cgkill kill web"],
  ["cgkill klil web", "cgkill kill web"],
  ["cgkill -t 5s down web", "cgkill kill -t 5000ms web"],
  ["cgkill --json prune web", "cgkill kill web"],
  ["cgkill hepl web", "cgkill help"],
  // No command of ours does that, and no word is near.
  ["cgkill restart web", "cgkill kill restart web"],
  ["cgkill exec web sh", "cgkill kill exec web sh"],
  ["cgkill frobnicate web", "cgkill kill frobnicate web"],
];

test("there are forty of them at least", () => {
  expect(TYPED.length).toBeGreaterThanOrEqual(40);
});

test.each(TYPED)("%s: nothing is touched, and the answer is %s", async (line, right) => {
  const { code, out, err, writes } = await run(hostWith(["web", "web.service", "db", "sh"]), line);
  const word = line.split(" ").find((each) => /^[a-z-]+$/i.test(each) && !/^(cgkill|-.*)$/.test(each));
  expect(err).toStartWith(`cgkill: there is no "${word}" command, and no cgroup of that name; nothing was touched\n`);
  expect(/\n {2}hint: (?:did you mean|to kill each of them).*\n {4}(.*)\n$/.exec(err)?.[1]).toBe(right);
  expect([code, out, writes]).toEqual([2, "", []]);
});

describe("meant as it was typed", () => {
  test.each([
    // It is a cgroup.
    ["cgkill stop web", ["stop", "web"], 0],
    ["cgkill stop", ["web"], 3],
    ["cgkill kill stop web", ["web"], 3],
    ["cgkill -- stop web", ["web"], 3],
    ["cgkill --ignore-missing stop web", ["web"], 0],
    ["cgkill /stop web", ["web"], 3],
    ["cgkill stop/it web", ["web"], 3],
    ["cgkill stop.slice web", ["web"], 3],
    ["cgkill stop2 web", ["web"], 3],
    ["cgkill stop --name web", ["web"], 3],
    ["cgkill web stop", ["web"], 3],
  ] as const)("%s", async (line, there, status) => {
    const kernel = hostWith(there);
    const { code, err } = await run(kernel, line);
    expect(err).not.toContain("command, and no cgroup");
    const isWebNamed = line.includes("web");
    const alive = kernel.live(kernel.makeGroup("v2", "web"), kernel.hierarchy("v2"));
    expect([code, alive.length === 0]).toEqual([status, isWebNamed]);
  });

  test("without anything that could be killed by mistake, a missing cgroup is just missing", async () => {
    const { code, err } = await run(hostWith([]), "cgkill ls");
    expect(code).toBe(3);
    expect(err).toContain("did you mean the command list?");
  });
});

test("the call that is named is an argument vector with every operand, or none is named", () => {
  expect(typingError("ls", ["a b;reboot", "c"]).commands).toEqual([["cgkill", "list", "a b;reboot"]]);
  expect(typingError("rm", ["-x", "b"], { where: [], how: ["-g", "10000ms"] }).commands).toEqual([
    ["cgkill", "kill", "-g", "10000ms", "--", "-x", "b"],
  ]);
  const many = typingError("rm", "abcdefghi".split(""));
  expect([many.hint, many.commands]).toEqual(["did you mean the command kill?", []]);
});

test.each([
  ["cgkill rm --dry-run web", "cgkill kill --dry-run web"],
  ["cgkill rm --hierarchy v2 -m freezer web", "cgkill kill --hierarchy v2 -m freezer web"],
  ["cgkill status --hierarchy v2 web", "cgkill show --hierarchy v2 web"],
  ["cgkill usage --hierarchy v2 web", "cgkill help"],
])("%s: %s, which does no more and nowhere else", async (typed, meant) => {
  const { code, err } = await run(hostWith(["web"]), typed);
  expect({ code, last: err.trimEnd().split("\n").at(-1) }).toEqual({ code: 2, last: `    ${meant}` });
});
