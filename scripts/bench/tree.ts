// A large tree of cgroups to list.

import { mkdirSync } from "node:fs";

import { makeCgroup, startSleeper } from "../../test/support/real-cgroup.ts";
import type { Version } from "./killers.ts";

/** This many groups make 5,000 cgroups. */
export const GROUPS = 50;
const PER_GROUP = 99;
const POPULATED = 10;

/** Nested cgroups, 100 per group, with three processes in each of the first ten groups. */
export async function withTree<T>(
  version: Version,
  groups: number,
  work: (dir: string, path: string) => Promise<T>,
): Promise<T> {
  await using top = makeCgroup(version);
  await using stack = new AsyncDisposableStack();
  for (let group = 0; group < groups; group++) {
    mkdirSync(`${top.dir}/g${group}`);
    for (let child = 0; child < PER_GROUP; child++) mkdirSync(`${top.dir}/g${group}/c${child}`);
    for (let each = 0; group < POPULATED && each < 3; each++) stack.use(await startSleeper(`${top.dir}/g${group}/c5`));
  }
  return await work(top.dir, top.path);
}
