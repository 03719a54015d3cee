// Loaded by every run of `bun test` (bunfig.toml): checks the canaries after each test.

import { afterAll, afterEach } from "bun:test";

import { harmDone, startWatching, stopWatching } from "./canary.ts";
import { destroy } from "./real-cgroup.ts";

startWatching();

afterEach(() => {
  const harm = harmDone();
  if (harm.length > 0) throw new Error(`an innocent process was harmed: ${harm.join("; ")}`);
});

afterAll(() => stopWatching(destroy));
