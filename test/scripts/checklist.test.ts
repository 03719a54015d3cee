// The checklist of a release refuses a step if an earlier one was left out, failed, or was done for another commit.

import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";

import { createCheckList, type Step } from "../../scripts/release/checklist.ts";

const scratch = mkdtempSync(`${tmpdir()}/cgkill-test-`);
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

let made = 0;
/** A list of three steps, one of which can fail. */
function makeList() {
  const ran: string[] = [];
  let isBroken = false;
  const steps: readonly Step[] = ["one", "two", "three"].map((name) => ({
    name,
    what: `what ${name} does`,
    work: async () => {
      ran.push(name);
      if (name === "two" && isBroken) throw new Error("it failed");
    },
  }));
  const file = `${scratch}/${++made}.json`;
  return {
    ran,
    breakTwo: (value: boolean) => void (isBroken = value),
    at: (commit: string) => createCheckList(steps, file, commit),
  };
}

test("in order, every step runs, and the list shows which is next", async () => {
  const { at, ran } = makeList();
  const list = at("c1");
  expect(list.render()).toBe(
    "c1\n[>] one      what one does\n[ ] two      what two does\n[ ] three    what three does\n",
  );
  for (const name of ["one", "two", "three"]) await list.run(name, []);
  expect(ran).toEqual(["one", "two", "three"]);
  expect(list.render().match(/\[x\]/g)).toHaveLength(3);
});

test("a step does not run if an earlier one was left out", async () => {
  const { at, ran } = makeList();
  const list = at("c1");
  await list.run("one", []);
  expect(list.run("three", [])).rejects.toThrow("two was left out");
  expect(ran).toEqual(["one"]);
});

test("a step that failed does not count as done", async () => {
  const { at, breakTwo } = makeList();
  const list = at("c1");
  await list.run("one", []);
  breakTwo(true);
  expect(list.run("two", [])).rejects.toThrow("it failed");
  await Bun.sleep(0);
  expect(list.run("three", [])).rejects.toThrow("two was left out");
});

test("a step that was done for another commit, or is being repeated, does not count as done", async () => {
  const { at, breakTwo } = makeList();
  for (const name of ["one", "two", "three"]) await at("c1").run(name, []);
  expect(at("c2").run("two", [])).rejects.toThrow("one was left out");
  breakTwo(true);
  await at("c1")
    .run("two", [])
    .catch(() => {});
  expect(at("c1").render()).toContain("[x] one ");
  expect(at("c1").render()).toContain("[>] two ");
  expect(at("c1").render()).toContain("[ ] three ");
});

test("a tree with changes and a step that does not exist are refused", async () => {
  const { at, ran } = makeList();
  expect(at("c1+dirty").run("one", [])).rejects.toThrow("differs from its commit");
  expect(at("c1").run("four", [])).rejects.toThrow("there is no step four: one, two, three");
  expect(ran).toEqual([]);
});
