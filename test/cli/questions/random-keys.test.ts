// Ten thousand random keys and pastes against the list and the menus, on the modelled kernel: nothing dies without a
// confirmation that was on the screen and named it.

import { expect, test } from "bun:test";

import type { TargetCommand } from "../../../src/cli/args/command.ts";
import { parseArgs } from "../../../src/cli/args/parse.ts";
import { pickTargets } from "../../../src/cli/interactive/pick-cgroups.ts";
import { runTargetMenu } from "../../../src/cli/interactive/target-menu.ts";
import { createKeyReader } from "../../../src/cli/questions/keys.ts";
import { confirmView, menuView, typingView } from "../../../src/cli/questions/menu.ts";
import { pickView } from "../../../src/cli/questions/picker-view.ts";
import type { Prompts } from "../../../src/cli/questions/prompts.ts";
import type { Reply, View } from "../../../src/cli/questions/question.ts";
import type { TerminalSize } from "../../../src/sys/sys.ts";
import { FakeKernel } from "../../support/fake-kernel/fake-kernel.ts";
import { plan } from "../../support/model.ts";
import { seeded, writtenIo } from "../support.ts";
import { SIZES, style } from "./support.ts";

const KEYS = 10_000;
const PIECES = [
  "\r",
  "\t",
  "\u001b",
  "\u001b[A",
  "\u001b[B",
  "\u001b[F",
  "\u001b[H",
  "\u001b[6~",
  "\u007f",
  "\u000f",
  "\u0014",
  "y",
  "n",
  "k",
  "j",
  "3",
  "job",
  "canary",
  "\u001b[<0;3;4M",
  "\u001b[200~y\rcanary\ry\u001b[201~",
  "kkyy\r",
];

test.each([1, 2, 3])(
  `${KEYS} random keys, seed %i`,
  async (seed) => {
    const random = seeded(seed);
    let pressed = 0;
    let confirmations = 0;
    /** The screen at the last confirmation. */
    let named = "";

    async function drive<T>(view: Pick<View<T>, "frame" | "press">, isConfirmation = false): Promise<T | undefined> {
      const reader = createKeyReader();
      for (;;) {
        const size = SIZES[random(SIZES.length)] as TerminalSize;
        const before = view
          .frame(size)
          .map((line) => line.slice(3))
          .join("")
          .replaceAll(" ", "");
        const keys = [...reader.read(PIECES[random(PIECES.length)] ?? ""), ...reader.flush()];
        pressed += keys.length;
        if (pressed > KEYS) return undefined;
        for (const key of keys) {
          const reply: Reply<T> = view.press(key, size, keys.length === 1);
          if (reply === "leave") return undefined;
          if (reply === undefined) continue;
          if (isConfirmation && reply.answer === true) {
            confirmations++;
            expect(key.name).not.toBe("paste");
            named = before;
          }
          return reply.answer;
        }
      }
    }

    while (pressed < KEYS) {
      const kernel = new FakeKernel();
      const names = ["job", "canary", "batch", "batch/job8"];
      const groups = new Map(names.map((name) => [`/${name}`, kernel.makeGroup("v2", name)]));
      for (const group of groups.values()) for (let nth = 0; nth < 3; nth++) kernel.addProcess({ group, which: "v2" });
      const live = (path: string): number => kernel.live(groups.get(path) as never, kernel.hierarchy("v2")).length;
      const command = parseArgs(["-i", "-t", "1s", "x"]) as TargetCommand;
      const cli = { sys: kernel, io: writtenIo().io, abort: new AbortController().signal };
      const prompts: Prompts = {
        pickMany: (list) => drive(pickView(list, style)),
        choose: (message, choices) => drive(menuView(message, choices, style)),
        confirm: (message) => drive(confirmView(message, style), true),
        confirmByTyping: (message, expected) => drive(typingView(message, expected, style), true),
      };
      const picked = await pickTargets({ command, cli, prompts });
      for (const spec of picked ?? []) {
        const dir = spec.kind === "name" ? spec.name : "";
        const path = dir.slice(kernel.hierarchy("v2").point.length);
        const before = [...groups.keys()].map((each) => [each, live(each)] as const);
        named = "";
        await runTargetMenu(await plan({ kernel, dir }), { command, cli, prompts, guard: async () => () => {} });
        // A parent loses the processes that its child loses.
        const isAbove = (each: string): boolean => path.startsWith(`${each}/`);
        const died = before.filter(([each, count]) => live(each) < count).map(([each]) => each);
        for (const each of died.filter((one) => !isAbove(one))) {
          expect(each === path || each.startsWith(`${path}/`)).toBe(true);
          expect(named).toContain(`in${path}?`);
          expect(named).toStartWith("Kill");
        }
        for (const group of groups.values()) expect(group.isSwitchedOn).toBe(false);
      }
    }
    expect(confirmations).toBeGreaterThan(0);
  },
  120_000,
);
