// Starts cgkill. Everything else is loaded after getReady, which may restart this program.

import { getReady } from "./sys/start.ts";

// Completion (cli/completion/complete.ts) changes nothing, not even its own priority and OOM score.
const isUrgent = process.argv[2] !== "__complete";

const sys = await getReady(isUrgent);
const { runProcess } = await import("./process.ts");
await runProcess(sys);
