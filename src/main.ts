// Starts cgkill. Everything else is loaded after getReady: it may start this program over.

import { getReady } from "./sys/start.ts";

const sys = await getReady();
const { runProcess } = await import("./app.ts");
await runProcess(sys);
