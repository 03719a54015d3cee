// fanotify on a modelled hierarchy. Tests move processes without a write, so any change of place counts as one, and is
// reported at once.

import type { WriteWatch } from "../../../src/sys/sys.ts";
import type { FakeGroup, FakeHierarchy } from "./groups.ts";
import type { KernelModel } from "./model.ts";
import type { FakeProcess, FakeThread } from "./processes.ts";

interface Seen {
  readonly group: FakeGroup | undefined;
  readonly otherThreads: readonly FakeThread[];
}

export class FakeWriteWatch implements WriteWatch {
  private readonly model: KernelModel;
  private readonly hierarchy: FakeHierarchy;
  private readonly close: () => void;
  private readonly places: Map<FakeProcess, Seen> = new Map();
  private writes = 0;
  private isEnded = false;

  constructor(model: KernelModel, hierarchy: FakeHierarchy, close: () => void) {
    this.model = model;
    this.hierarchy = hierarchy;
    this.close = close;
    this.look();
  }

  wasWritten(): boolean {
    this.model.enter("read", "fanotify");
    return this.look() && !this.isEnded;
  }

  end(): void {
    this.isEnded = true;
  }

  [Symbol.dispose](): void {
    this.close();
  }

  private look(): boolean {
    const { hierarchy, places } = this;
    const { processes, writes } = this.model;
    let isChanged = writes.slice(this.writes).some(({ path }) => path.startsWith(`${hierarchy.point}/`));
    this.writes = writes.length;
    for (const process of processes.values()) {
      const group = process.groups.get(hierarchy);
      const { otherThreads } = process;
      const seen = places.get(process);
      if (seen !== undefined && (seen.group !== group || seen.otherThreads !== otherThreads)) isChanged = true;
      places.set(process, { group, otherThreads });
    }
    return isChanged;
  }
}
