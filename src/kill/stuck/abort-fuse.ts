// With --abort-fuse: aborts the FUSE connections that survivors wait in, if no process outside the target can answer
// any more. A survivor only suggests its connection: a hostile member may have swapped descriptors. So requests must be
// waiting in it, every server must be unable to act and must not run between two checks, and the connection is held
// open from the first check to the write.

import {
  abortConnection,
  type FuseConnection,
  type FuseConnections,
  openFuseConnections,
  readWaitingIn,
} from "../../blocked/fuse/connections.ts";
import { findHolders, SEARCH_MS, type SearchOptions } from "../../blocked/fuse/servers.ts";
import { findFuseWait, type FuseWait, judgeService, type Service } from "../../blocked/fuse/wait.ts";
import { createMountReader, isServedHere } from "../../blocked/mounts.ts";
import { findBlockedThreads } from "../../blocked/threads.ts";
import { tryTo } from "../../sys/errno.ts";
import type { Millis, Pid } from "../../sys/sys.ts";
import { emit, type KillContext, listLeft, orElse, timeLeft, yieldToSignals } from "../context.ts";
import { insideOf } from "./explain-blocks.ts";

/** A server that is stopped or frozen for less time than this is left alone. */
const BETWEEN_CHECKS_MS: Millis = 100;
/** The share of the remaining time that one search may take. A server that it did not reach in time may be alive. */
const SEARCH_SHARE = 0.25;
/** Time per check to list the members, and the same again to find what they wait for. */
const CHECK_MS: Millis = 200;

/** A check that fails is reported as an event, and aborts nothing. @returns whether a connection was aborted */
export async function abortIdleFuse(ctx: KillContext): Promise<boolean> {
  const { abortedFuse } = ctx.record;
  const abortedBefore = abortedFuse.length;
  await orElse(ctx, "fuse-not-aborted", undefined, () => checkAndAbort(ctx));
  return abortedFuse.length > abortedBefore;
}

async function checkAndAbort(ctx: KillContext): Promise<void> {
  using connections = openFuseConnections(ctx.sys);
  const { fuse } = ctx.record;
  if (connections === undefined || fuse === undefined) return;
  const { pids } = await listLeft(ctx, ctx.sys.now() + CHECK_MS);
  // With processes that were signalled or moved, and are alive elsewhere.
  const listed = new Set([...ctx.followed.pids, ...pids]);
  const waits = await findWaits(ctx, connections, listed);
  for (const number of [...fuse.found.keys()]) if (!waits.has(number)) forget(ctx, number);
  const isInside = insideOf(ctx, listed);
  for (const [number, wait] of waits) {
    const known = fuse.found.get(number);
    if (known !== undefined && ctx.sys.now() - known.idleSince < BETWEEN_CHECKS_MS) continue;
    const held = known?.held ?? connections.open(number);
    if (held === undefined) continue;
    const since = ctx.sys.now();
    if (known === undefined) fuse.found.set(number, { held, idleSince: since, activity: "" });
    const service = await judge(ctx, number, isInside, known !== undefined);
    // Read last, so that little time passes before the write.
    if (!service.isOver || (readWaitingIn(ctx.sys, held) ?? 0) === 0) forget(ctx, number);
    else if (known?.activity === service.activity) abort(ctx, held, wait, service);
    else fuse.found.set(number, { held, idleSince: since, activity: service.activity });
  }
}

/** Find the connections that killed processes wait in. Any other process may simply be using its file system. */
async function findWaits(
  ctx: KillContext,
  connections: FuseConnections,
  pids: ReadonlySet<Pid>,
): Promise<ReadonlyMap<number, FuseWait>> {
  const { sys } = ctx;
  const waiting = connections.findWaiting();
  const waits = new Map<number, FuseWait>();
  if (waiting.size === 0) return waits;
  const mountsOf = createMountReader(sys);
  const until = sys.now() + CHECK_MS;
  for (const pid of pids) {
    if (sys.now() > until) break;
    await yieldToSignals(ctx);
    for (const thread of findBlockedThreads(sys, pid)) {
      if (!thread.isKilled) continue;
      const wait = findFuseWait(sys, thread, mountsOf(pid), waiting);
      const { connection = null, mount = null } = wait ?? {};
      if (connection !== null && isServedHere(mount)) waits.set(connection, { connection, mount });
    }
  }
  return waits;
}

/**
 * Judge the servers of a connection. If none seems to be able to act, search again for more, before an abort or where none
 * is known: their descriptors may have any name. Threads with descriptors of their own are looked for only where no server
 * is known, since that takes ten times as long on a large host.
 */
async function judge(
  ctx: KillContext,
  connection: number,
  isInside: (pid: Pid) => boolean,
  isLast: boolean,
): Promise<Service> {
  const { sys, pace } = ctx;
  const search = async (how: SearchOptions): Promise<Service> => {
    const until = sys.now() + Math.max(SEARCH_MS, timeLeft(ctx) * SEARCH_SHARE);
    const holders = await findHolders(sys, { ...pace, until, ...how });
    return judgeService(sys, connection, holders, isInside);
  };
  const service = await search({});
  const isUnknown = service.server === null;
  if (!service.isOver || !(isLast || isUnknown)) return service;
  return await search({ withAnyName: true, withThreads: isUnknown });
}

function abort(ctx: KillContext, held: FuseConnection, wait: FuseWait, { server }: Service): void {
  const { sys, record } = ctx;
  const { number: connection } = held;
  const { point: mount = null, source = null } = wait.mount ?? {};
  const fields = { connection, mount, server: server?.pid ?? null };
  const error = tryTo(() => abortConnection(sys, held));
  if (error === undefined) {
    record.abortedFuse.push({ connection, mount, source, server });
    emit(ctx, "fuse-aborted", fields);
  } else {
    emit(ctx, "fuse-not-aborted", { ...fields, error: error.message });
  }
  forget(ctx, connection);
}

function forget({ sys, record }: KillContext, number: number): void {
  const known = record.fuse?.found.get(number);
  if (known === undefined) return;
  record.fuse?.found.delete(number);
  sys.close(known.held.fd);
}
