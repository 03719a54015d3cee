import { expect, test } from "bun:test";
import { constants } from "node:os";

import { errnoName, SysError } from "../../src/sys/errno.ts";

const errnos: Readonly<Record<string, number>> = constants.errno;

// Regression: EDQUOT and ECONNRESET used to be reported as E122 and E104 when the numbers came from libc.
test.each(["ENOSPC", "EDQUOT", "EFBIG", "EPIPE", "ECONNRESET", "ENOTCONN", "ETIMEDOUT", "ESTALE", "ENXIO", "EIO"])(
  "%s, with which a write to a stream may end, has its name and is put into words",
  (name) => {
    expect(errnoName(errnos[name] as number)).toBe(name);
    expect(new SysError("write", "standard output", name).message).toMatch(/: [a-z /]+ \(E[A-Z]+\)$/);
  },
);

test("an unknown errno is named by its number", () => {
  expect(errnoName(999)).toBe("E999");
});
