// Starts cgkill. Everything else is loaded after getReady: it may start this program over.

import { getReady } from "./sys/start.ts";

// Completion (cli/completion/complete.ts) changes nothing, its own priority and OOM score included.
const isUrgent = process.argv[2] !== "__complete";

const sys = await getReady(isUrgent);
const { runProcess } = await import("./process.ts");
await runProcess(sys);
