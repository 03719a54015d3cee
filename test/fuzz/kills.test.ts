// Whole calls of cgkill on the modelled kernel, with generated trees, names, options, kernel texts, faults and concurrent
// changes. Every write is recorded: outside the named subtree nothing is written, moved, signalled, created or removed,
// except as the README's table "What it writes" says. No pid below 2 and never cgkill itself is signalled.

import { expect, test } from "bun:test";

import { runCgkill } from "../../src/cli/dispatch.ts";
import { encodeText } from "../../src/sys/bytes.ts";
import { writtenIo } from "../cli/support.ts";
import { FakeKernel } from "../support/fake-kernel/fake-kernel.ts";
import type { FakeGroup, FakeHierarchy } from "../support/fake-kernel/groups.ts";
import type { FakeProcess } from "../support/fake-kernel/processes.ts";
import { fuzz, garble, type Random, randomName } from "../support/fuzz.ts";

const ROUNDS = 600;
/** Garbling never lengthens a number, so no garbled list can contain one of these. */
const FIRST_INNOCENT = 1_000_000;
const ERRNOS = [
  "EINTR",
  "EAGAIN",
  "EBUSY",
  "EIO",
  "ENOMEM",
  "ENODEV",
  "ENOENT",
  "EROFS",
  "EPERM",
  "EACCES",
  "EINVAL",
  "ESRCH",
];

interface World {
  readonly kernel: FakeKernel;
  readonly hasPidfd: boolean;
  readonly groups: { readonly hierarchy: FakeHierarchy; readonly group: FakeGroup }[];
  /** cgkill has opened a target: from then on, what takes its place is not the target. */
  isOpen: boolean;
  /** Cgroups that took the place of a target. */
  readonly strangers: Set<FakeGroup>;
  /** Every process that ever existed, dead ones and those with recycled pids included. */
  readonly everyProcess: Set<FakeProcess>;
  readonly addProcess: (hierarchy: FakeHierarchy, group: FakeGroup, given?: Partial<FakeProcess>) => FakeProcess;
}

const whichOf = ({ version, controllers }: FakeHierarchy): string => (version === "v2" ? "v2" : controllers);

function makeWorld(random: Random): World {
  const { int, pick, chance, list } = random;
  const hasPidfd = !chance(5);
  const kernel = new FakeKernel({
    layout: pick(["unified", "legacy", "hybrid"]),
    controllers: pick([["freezer", "memory"], ["freezer"], ["pids"], ["memory", "pids"]]),
    hasCgroupKill: !chance(3),
    hasPidfd,
  });
  const groups: World["groups"] = [];
  for (const hierarchy of kernel.hierarchies) {
    const parents = [""];
    for (let i = 2 + int(6); i > 0; i--) {
      // Sometimes the same names in several hierarchies.
      const path = `${pick(parents)}/${chance(3) ? pick(["a", "b", "a (deleted)"]) : randomName(random)}`;
      groups.push({ hierarchy, group: kernel.makeGroup(whichOf(hierarchy), path) });
      parents.push(path);
    }
  }
  const everyProcess = new Set(kernel.processes.values());
  let members = 2000;
  let innocents = FIRST_INNOCENT;
  const addProcess: World["addProcess"] = (hierarchy, group, given = {}) => {
    const isOutside = given.comm === "innocent";
    const pid = given.pid ?? (isOutside ? innocents++ : members++);
    const process = kernel.addProcess({ ...given, pid, group, which: whichOf(hierarchy) });
    everyProcess.add(process);
    return process;
  };
  for (const { hierarchy, group } of groups) {
    list(3, () =>
      addProcess(hierarchy, group, {
        ...pick<Partial<FakeProcess>>([
          {},
          {},
          { isStuck: true },
          { isInvisible: true },
          { missesKill: 2 },
          { ignoresTerm: true },
        ]),
        isDenied: chance(12),
        forksUpTo: chance(12) ? 12 : 0,
        exitMs: pick([0.1, 0.3, 5, 100]),
      }),
    );
    if (chance(12)) group.isSwitchedOn = true;
  }
  // cgkill, its parent and PID 1 may be anywhere.
  const parent = addProcess(groups[0]?.hierarchy as FakeHierarchy, kernel.hierarchies[0]?.root as FakeGroup, {
    pid: 900,
  });
  const self = kernel.processes.get(kernel.pid) as FakeProcess;
  self.ppid = parent.pid;
  for (const process of [self, parent, kernel.processes.get(1) as FakeProcess]) {
    for (const { hierarchy, group } of groups) if (chance(12)) process.groups.set(hierarchy, group);
  }
  return { kernel, hasPidfd, groups, isOpen: false, strangers: new Set(), everyProcess, addProcess };
}

const join = (point: string, { path }: FakeGroup): string => `${point}${path === "/" ? "" : path}`;

/** The name of a cgroup, or a similar name. */
function makeName({ groups }: World, random: Random): string {
  const { hierarchy, group } = random.pick(groups);
  const name = random.pick([join(hierarchy.point, group), group.path, group.path.slice(1)]);
  const near = [
    `${name}/`,
    `/${name}`,
    `${name}/..`,
    `${name}/../x`,
    `./${name}`,
    `${name}/.`,
    `${name} (deleted)`,
    name.slice(0, -1),
    `${hierarchy.point}/..${group.path}`,
    hierarchy.point,
    "/",
    "",
    ".",
    "..",
    randomName(random),
  ];
  return random.chance(4) ? random.pick(near) : name;
}

/** The cgroups that a name can mean: by its directory, or by its path in any hierarchy. */
function candidates(
  { kernel }: World,
  name: string,
): { readonly hierarchy: FakeHierarchy; readonly group: FakeGroup }[] {
  const parts: string[] = [];
  for (const part of name.split("/")) {
    if (part === "..") parts.pop();
    else if (part !== "" && part !== ".") parts.push(part);
  }
  const tidy = `/${parts.join("/")}`;
  // Only the path of a directory may have it.
  const hasDotDot = name.split("/").includes("..");
  return kernel.hierarchies.flatMap((hierarchy) =>
    [...hierarchy.root.subtree()]
      .filter((group) => join(hierarchy.point, group) === tidy || (group.path === tidy && !hasDotDot))
      .map((group) => ({ hierarchy, group })),
  );
}

function makeArgs({ groups }: World, random: Random): { args: string[]; spare: number[]; command: string } {
  const { chance, pick } = random;
  const command = pick(["kill", "kill", "kill", "kill", "kill", "kill", "kill", "freeze", "thaw", "show"]);
  const args = command === "kill" ? [] : [command];
  args.push("--json", "-t", pick(["0", "30ms", "200ms"]));
  if (command === "thaw") return { args, spare: [], command };
  const spare = chance(5) ? [pick([900, 2000, 2001, 1])] : [];
  if (spare.length > 0) args.push("--spare", String(spare[0]));
  if (chance(6)) {
    const { hierarchy, group } = pick(groups);
    args.push("--spare-to", join(hierarchy.point, group));
  }
  if (chance(2)) args.push("--allow-ancestors");
  if (chance(6)) args.push("--thaw-ancestors");
  if (command === "kill") {
    if (chance(4)) args.push("-g", "20ms", "-s", pick(["TERM", "KILL", "STOP", "HUP"]));
    if (chance(3)) args.push("-m", pick(["kill", "freezer", "sweep"]));
    if (chance(2)) args.push(pick(["--remove", "--keep"]));
    if (chance(5) && !args.includes("--keep")) args.push("--all-hierarchies");
  }
  if (chance(5)) args.push("--hierarchy", pick(["v1", "v2", "freezer", "memory", "pids"]));
  return { args, spare, command };
}

interface Trouble {
  /** Lists and other texts are garbled. */
  readonly garbles: boolean;
  /** Lists contain pids that must never be signalled. */
  readonly lies: boolean;
  readonly fails: boolean;
  readonly others: boolean;
}

/** A concurrent change: a member forks, leaves, or dies and its pid is recycled; a cgroup is created, removed or replaced. */
function act(world: World, random: Random, targets: ReturnType<typeof candidates>): void {
  const { kernel, groups, everyProcess, addProcess } = world;
  const { pick, int } = random;
  const { hierarchy, group } = pick(targets.length === 0 || int(3) === 0 ? groups : targets);
  if (group.isRemoved) return;
  const [member] = kernel.live(group, hierarchy);
  const isOurs = member === undefined || [1, 900, kernel.pid].includes(member.pid);
  switch (int(6)) {
    case 0:
      addProcess(hierarchy, group);
      return;
    case 1:
      if (!isOurs) member.groups.set(hierarchy, hierarchy.root);
      return;
    case 2: {
      // It dies, and a process in the root gets its pid. Without pidfds nothing could tell them apart.
      if (!world.hasPidfd || isOurs || member.tid !== member.pid) return;
      member.isDead = true;
      member.isReaped = true;
      everyProcess.add(member);
      kernel.processes.delete(member.pid);
      addProcess(hierarchy, hierarchy.root, { pid: member.pid, comm: "innocent" });
      return;
    }
    case 3:
      kernel.makeGroup(whichOf(hierarchy), `${group.path}/new`);
      return;
    case 4:
      if (member === undefined && group.children.size === 0 && !world.strangers.has(group)) kernel.removeGroup(group);
      return;
    default: {
      // Removed and re-created, maybe with a member; only once cgkill has opened the target.
      const inside = kernel.live(group, hierarchy);
      if (!world.isOpen || inside.some(({ pid }) => [1, 900, kernel.pid].includes(pid))) return;
      const { path } = group;
      for (const process of inside) process.isDead = true;
      kernel.removeGroup(group);
      const stranger = kernel.makeGroup(whichOf(hierarchy), path);
      if (targets.some((target) => target.group === group)) world.strangers.add(stranger);
      if (int(2) === 0) addProcess(hierarchy, stranger, { comm: "innocent" });
    }
  }
}

/** Pids that must never be signalled, at the start of every list. */
const LIES = "0\n1\n1000\n-1\n4294967296\n";

test("no input, kernel answer or concurrent change makes cgkill touch anything that was not named", async () => {
  const outcomes = new Map<string, number>();
  await fuzz(ROUNDS, async (random) => {
    const world = makeWorld(random);
    const { kernel, groups, everyProcess, addProcess } = world;
    for (const { hierarchy, group } of random.list(4, () => random.pick(groups))) {
      addProcess(hierarchy, group.parent as FakeGroup, { comm: "innocent" });
    }
    // Sometimes through standard input, where no name has a newline.
    const name = makeName(world, random);
    const isByStdin = name === "-" || random.chance(10);
    const { args, spare, command } = makeArgs(world, random);
    const targets = isByStdin && name === "" ? [] : candidates(world, name);
    const trouble: Trouble = {
      garbles: random.chance(4),
      lies: random.chance(8),
      fails: random.chance(3),
      others: random.chance(2),
    };
    const touched = new Set<FakeProcess>();
    const trapped = new Set<FakeProcess>();
    const snapshot = (): void => {
      for (const { hierarchy, group } of targets) {
        for (const process of kernel.live(group, hierarchy)) touched.add(process);
      }
      for (const process of kernel.processes.values()) everyProcess.add(process);
      for (const { hierarchy, group } of groups) {
        if (/^cgkill-trap-\d+(-\d+)?$/.test(group.name))
          for (const process of kernel.live(group, hierarchy)) trapped.add(process);
      }
    };
    snapshot();
    const opened = new Set(targets.map(({ hierarchy, group }) => join(hierarchy.point, group)));
    let isBusy = false;
    kernel.onAccess = (operation, path) => {
      snapshot();
      if (isBusy) return;
      isBusy = true;
      if (trouble.others && random.chance(8)) {
        act(world, random, targets);
        snapshot();
      }
      isBusy = false;
      world.isOpen ||= operation === "open" && opened.has(path);
      const isPidfdCall = operation.startsWith("pidfd");
      if (trouble.fails && random.chance(60)) {
        const errno = random.pick(ERRNOS);
        if (!(isPidfdCall && errno === "ENOSYS"))
          kernel.failNext(operation, new RegExp(`^${RegExp.escape(path)}$`), errno);
      }
    };
    if (trouble.garbles || trouble.lies) {
      const read = kernel.readFile.bind(kernel);
      kernel.readFile = (dir, file) => {
        const text = read(dir, file);
        // Mounts, and the cgroups of cgkill, its parent and PID 1, are never garbled: every guard depends on them.
        if (trouble.lies && /^(cgroup\.procs|cgroup\.threads|tasks)$/.test(file)) return `${LIES}${text}`;
        const isEssential = /^\/proc\/(self|1|900)\//.test(`${dir.shown}/${file}`);
        return trouble.garbles && !isEssential && random.chance(10) ? garble(text, random) : text;
      };
    }
    const readIn = async function* (): AsyncGenerator<Uint8Array> {
      yield encodeText(`${name}\n`);
    };
    const io = { ...writtenIo().io, readIn };
    const given = [...args, "--", isByStdin ? "-" : name];
    const code = await runCgkill(given, { sys: kernel, io, abort: new AbortController().signal });
    outcomes.set(`${command} ${code}`, (outcomes.get(`${command} ${code}`) ?? 0) + 1);
    snapshot();

    const details = JSON.stringify({ args, name, trouble, targets: targets.map(({ group }) => group.path), code });
    const paths = targets.map(({ hierarchy, group }) => join(hierarchy.point, group));
    const isInside = (path: string): boolean => paths.some((top) => path === top || path.startsWith(`${top}/`));
    // Our own trap, or one without a lock, whose cgkill is dead.
    const isTrap = (path: string): boolean => /\/cgkill-trap-\d+(-\d+)?(?:\/|$)/.test(path);
    const pidsOf = (processes: Iterable<FakeProcess>): string[] => [...processes].map(({ pid }) => String(pid));
    const mayMove = [String(kernel.pid), ...spare.map(String), ...pidsOf(touched), ...pidsOf(trapped)];
    // Pids that the lists contain wrongly may be moved, but never signalled.
    if (trouble.lies) mayMove.push("1");
    const isInOtherHierarchy = (path: string): boolean =>
      args.includes("--all-hierarchies") &&
      kernel.hierarchies.some(({ point }) =>
        targets.some(({ group }) => `${path}/`.startsWith(`${join(point, group)}/`)),
      );
    const isAncestor = (path: string): boolean =>
      paths.some((top) => top.startsWith(`${path.slice(0, path.lastIndexOf("/"))}/`));
    const outside = kernel.writes.filter(({ operation, path, value }) => {
      if (operation === "signal") return !mayMove.includes(path.slice("pid ".length));
      if (isInside(path) || isTrap(path)) return false;
      if (operation === "write" && path.endsWith("/cgroup.procs")) return !mayMove.includes(value);
      if (operation === "rmdir") return !isInOtherHierarchy(path);
      return !(path.endsWith("/freezer.state") && args.includes("--thaw-ancestors") && isAncestor(path));
    });
    expect(outside, details).toEqual([]);
    const signalled = kernel.writes
      .filter(({ operation }) => operation === "signal")
      .map(({ path }) => Number(path.slice(4)));
    expect(
      signalled.filter((pid) => !(pid > 1) || pid === kernel.pid),
      details,
    ).toEqual([]);
    if (command === "show") expect(kernel.writes, details).toEqual([]);
    const harmed = [...everyProcess].filter((process) => process.killedAt !== undefined && !touched.has(process));
    expect(harmed, details).toEqual([]);
    // rmdir takes a name: a cgroup that was re-created at the last moment may be removed if it is empty.
    const frozen = [...world.strangers].filter(({ isSwitchedOn }) => isSwitchedOn).map(({ path }) => path);
    expect(frozen, details).toEqual([]);
    expect(
      [...everyProcess].filter(({ pid, killedAt }) => [1, kernel.pid].includes(pid) && killedAt !== undefined),
      details,
    ).toEqual([]);
    expect(kernel.openDescriptors, details).toBe(0);
  });
  if (process.env["FUZZ_SHOW"]) console.log(outcomes);
  // The rounds reached every kind of outcome.
  if (process.env["FUZZ_SEED"] === undefined) {
    for (const seen of ["kill 0", "kill 3", "kill 4", "kill 5", "kill 6", "freeze 0", "thaw 0", "show 0"]) {
      expect([...outcomes.keys()]).toContain(seen);
    }
  }
});
