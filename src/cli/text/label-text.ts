// The label shown beside the name of a cgroup.

/** @returns `null` if the label adds nothing to the last component of the path */
export function labelBeside(path: string, label: string | null): string | null {
  const name = path.slice(path.lastIndexOf("/") + 1);
  return label === null || label === name || label.endsWith(` ${name}`) ? null : label;
}
