// Starts cgkill. Everything else is loaded after getReady. Nothing is awaited at the top level of this file: the bundler
// would then split what it imports into many small files, which takes 0.6 ms to load.

import { getReady, type Purpose } from "./sys/start.ts";

const [, , first] = process.argv;

function findPurpose(): Purpose {
  // Completion (cli/completion/complete.ts) changes nothing, not even its own priority and OOM score.
  if (first === "__complete") return "reading";
  return first === "run" ? "running" : "working";
}

async function start(): Promise<void> {
  const sys = await getReady(findPurpose());
  const { runProcess } = await import("./process.ts");
  await runProcess(sys);
}

void start();
