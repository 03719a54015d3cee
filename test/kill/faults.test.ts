// Every operation of a kill fails, with every errno, once and permanently, in each way of killing. The promise of the
// contract holds in every combination, and a permission error never leads to another method.

import { expect, test } from "bun:test";

import { execute, expectPromise, model, plan, WAYS } from "../support/model.ts";

const ERRNOS = [
  "EINTR",
  "EAGAIN",
  "EBUSY",
  "EIO",
  "ENOMEM",
  "EMFILE",
  "ENFILE",
  "ENODEV",
  "ENOENT",
  "ENOSPC",
  "EROFS",
  "EPERM",
  "EACCES",
  "EINVAL",
] as const;

/** The operation, and the paths that it fails for. */
const OPERATIONS: ReadonlyArray<readonly [string, RegExp]> = [
  ["read", /target.*\/cgroup\.procs$/],
  ["read", /target.*\/(cgroup\.threads|tasks)$/],
  ["read", /target.*\/cgroup\.events$/],
  ["read", /target.*\/cgroup\.freeze$/],
  ["read", /freezer\.(state|self_freezing|parent_freezing)$/],
  ["read", /\/proc\/\d+\/(cgroup|status|stat|comm)$/],
  ["open", /target.*\/cgroup\.events$/],
  ["open", /parent$/],
  ["readdir", /target/],
  ["write", /cgroup\.kill$/],
  ["write", /cgroup\.freeze$/],
  ["write", /freezer\.state$/],
  ["write", /cgroup\.procs$/],
  ["mkdir", /./],
  ["rmdir", /./],
  ["pidfd_open", /./],
  ["pidfd_send_signal", /./],
];

const DENIED = ["EROFS", "EPERM", "EACCES"];

for (const way of WAYS) {
  for (const [operation, path] of OPERATIONS) {
    for (const times of [1, Number.POSITIVE_INFINITY]) {
      const often = times === 1 ? "once" : "permanently";
      test(`${way}: ${operation} of ${path.source} fails ${often}, by each errno`, async () => {
        for (const errno of ERRNOS) {
          const on = model(way);
          const planned = await plan(on, { remove: true });
          const { method } = planned;
          on.kernel.failNext(operation, path, errno, times);
          const done = await execute(on, planned);
          const cell = `${errno}: ${done.outcome.outcome}`;
          try {
            expectPromise(on, done);
            expect(done.outcome.method).toBe(method);
            const { error } = done.outcome;
            if (error?.errno != null) {
              expect(error.operation).not.toBeNull();
              expect(error.message).toContain(error.errno);
            }
            if (DENIED.includes(errno) && error?.errno === errno) {
              expect(["denied", "not-removed"]).toContain(done.outcome.outcome);
            }
          } catch (cause) {
            throw new Error(cell, { cause });
          }
        }
      });
    }
  }
}
