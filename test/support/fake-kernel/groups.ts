// A cgroup of the modelled kernel, and the hierarchy that it belongs to.

export class FakeGroup {
  readonly children: Map<string, FakeGroup> = new Map();
  isRemoved = false;
  /** Its own freeze switch, whatever its ancestors' are. */
  isSwitchedOn = false;
  /** v2: holds threads, and rejects operations on processes. */
  isThreaded = false;
  /** The limit of the pids controller, for the whole subtree. */
  pidsMax = "max";
  /** How many reads of freezer.state or cgroup.events still report an incomplete freeze. */
  readsToFreeze = 0;
  /** v1: so many requests to freeze are overlooked by a member. */
  overlooks = 0;
  /** Memory use in bytes; `undefined` if there is no file for it. */
  memory: number | undefined;
  /** v2: usage_usec of cpu.stat; `undefined` if there is no such file. */
  cpuUsec: number | undefined;
  /** Counts the changes that poll(2) reports. */
  notices = 0;
  /** Extended attributes. */
  readonly marks: Map<string, string> = new Map();

  name: string;
  readonly parent: FakeGroup | undefined;
  readonly ino: bigint;

  constructor(name: string, parent: FakeGroup | undefined, ino: bigint) {
    this.name = name;
    this.parent = parent;
    this.ino = ino;
  }

  get path(): string {
    if (this.parent === undefined) return "/";
    return this.parent.parent === undefined ? `/${this.name}` : `${this.parent.path}/${this.name}`;
  }

  /** The cgroup that lists its processes: itself, or the nearest ancestor that is not threaded. */
  get domain(): FakeGroup {
    return this.isThreaded && this.parent !== undefined ? this.parent.domain : this;
  }

  *selfAndAncestors(): Generator<FakeGroup> {
    for (let at: FakeGroup | undefined = this; at !== undefined; at = at.parent) yield at;
  }

  *subtree(): Generator<FakeGroup> {
    yield this;
    for (const child of this.children.values()) yield* child.subtree();
  }

  isWithin(ancestor: FakeGroup): boolean {
    for (let at: FakeGroup | undefined = this; at !== undefined; at = at.parent) {
      if (at === ancestor) return true;
      if (at.isRemoved) return false;
    }
    return false;
  }

  /** Whether it or an ancestor is switched to frozen. */
  get isFreezing(): boolean {
    for (let at: FakeGroup | undefined = this; at !== undefined; at = at.parent) if (at.isSwitchedOn) return true;
    return false;
  }
}

export interface FakeHierarchy {
  readonly version: "v1" | "v2";
  readonly controllers: string;
  readonly point: string;
  readonly mountId: number;
  readonly root: FakeGroup;
  isMounted: boolean;
}

/** The directory of a cgroup. */
export const nameOf = ({ point }: FakeHierarchy, { path }: FakeGroup): string =>
  path === "/" ? point : `${point}${path}`;

/** The path of a cgroup as seen from a cgroup namespace with the given root. */
export function seenFrom(namespace: string, path: string): string {
  if (namespace === "/") return path;
  const from = namespace.split("/").filter(Boolean);
  const to = path.split("/").filter(Boolean);
  const differs = from.findIndex((name, index) => name !== to[index]);
  const common = differs < 0 ? from.length : differs;
  return `/${[...from.slice(common).fill(".."), ...to.slice(common)].join("/")}`;
}
