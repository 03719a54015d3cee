// The label shown beside the name of a cgroup.

import { lastName } from "../../cgroup/open/path-names.ts";
import { sanitize } from "./sanitize.ts";

/** `  (docker 3f2a)`, or nothing. */
export const labelSuffix = (label: string | null): string => (label === null ? "" : `  (${sanitize(label)})`);

/** @returns `null` if the label adds nothing to the last component of the path */
export function labelBeside(path: string, label: string | null): string | null {
  const name = lastName(path);
  return label === null || label === name || label.endsWith(` ${name}`) ? null : label;
}
