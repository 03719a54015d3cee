// Starts cgkill. Everything else is loaded after getReady, which may restart this program.

import { getReady, type Purpose } from "./sys/start.ts";

const [, , first, ...others] = process.argv;

function findPurpose(): Purpose {
  // Completion (cli/completion/complete.ts) changes nothing, not even its own priority and OOM score.
  if (first === "__complete") return "reading";
  if (first === "run") return "running";
  return first === "-" || others.includes("-") ? "waiting" : "working";
}

const sys = await getReady(findPurpose());
const { runProcess } = await import("./process.ts");
await runProcess(sys);
