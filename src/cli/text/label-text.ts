// A label beside a name: left out if it says nothing more than the name does.

/** @param path  of the cgroup; its last component is its name */
export function labelBeside(path: string, label: string | null): string | null {
  const name = path.slice(path.lastIndexOf("/") + 1);
  return label === null || label === name || label.endsWith(` ${name}`) ? null : label;
}
