import { expect, test } from "bun:test";
import { constants } from "node:os";

import { errnoName, SysError } from "../../src/sys/errno.ts";

const errnos: Readonly<Record<string, number>> = constants.errno;

// sys/errno.ts: a full disk quota and a reader's reset were told as E122 and E104, once the numbers came from libc.
test.each(["ENOSPC", "EDQUOT", "EFBIG", "EPIPE", "ECONNRESET", "ENOTCONN", "ETIMEDOUT", "ESTALE", "ENXIO", "EIO"])(
  "%s, with which a write to a stream may end, has its name and is put into words",
  (name) => {
    expect(errnoName(errnos[name] as number)).toBe(name);
    expect(new SysError("write", "standard output", name).message).toMatch(/: [a-z /]+ \(E[A-Z]+\)$/);
  },
);

test("one that is not in the table is told by its number", () => {
  expect(errnoName(999)).toBe("E999");
});
