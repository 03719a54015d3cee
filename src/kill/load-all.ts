// Loads what a kill loads on demand.

/** For standby: at the time of the kill, the host may be out of memory. */
export async function loadAll(): Promise<void> {
  await import("../blocked/memory.ts");
  await import("./interrupted.ts");
  await import("./methods/leftovers.ts");
  await import("./methods/sweep.ts");
  await import("./stuck/abort-fuse.ts");
  await import("./stuck/explain-blocks.ts");
  await import("./survivors.ts");
  await import("./twins/execute-twins.ts");
  await import("./twins/judge-twins.ts");
}
