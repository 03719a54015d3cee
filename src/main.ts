// Starts cgkill. Nothing is awaited at the top level of this file: the bundler would then split what it imports into many
// small files, which takes 0.6 ms to load.

import { runProcess } from "./process.ts";
import { getReady, type Purpose } from "./sys/start.ts";

const [, , first] = process.argv;

function findPurpose(): Purpose {
  // Completion (cli/completion/complete.ts) changes nothing, not even its own priority and OOM score.
  if (first === "__complete") return "reading";
  return first === "run" ? "running" : "working";
}

const ready = getReady(findPurpose());
// Awaited only if necessary: the first return to the event loop takes 0.4 ms.
void (ready instanceof Promise ? ready.then(runProcess) : runProcess(ready));
