// Loads every module that a kill loads on demand.

/** For standby: when a kill is due, the host may have no memory left to load a module. */
export async function loadAll(): Promise<void> {
  await import("../blocked/memory.ts");
  await import("./interrupted.ts");
  await import("./methods/sweep.ts");
  await import("./stuck/abort-fuse.ts");
  await import("./stuck/explain-blocks.ts");
  await import("./survivors.ts");
  await import("./twins/execute-twins.ts");
  await import("./twins/judge-twins.ts");
}
