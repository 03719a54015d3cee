// Labels by name: recorded names of each runtime, names that only look like one, stop commands, and cost.

import { describe, expect, test } from "bun:test";

import { quote } from "../../src/cli/text/quote.ts";
import { createLabeller, labelOf } from "../../src/label/label.ts";
import type { Label } from "../../src/label/types.ts";
import recorded from "../fixtures/labels.json";

const ID = "3726184226f5d3147c25fdeab5b60097e378e8a720503a5e19ecfdf29f869860";
const UID = "2d3da189-6407-48e3-9ab6-78188d75e609";
const MANAGER = "/user.slice/user-1000.slice/user@1000.service";

const textOf = (path: string): string | null => labelOf(path)?.text ?? null;
const stopOf = (path: string): string | null => {
  const stop = labelOf(path)?.supervisor()?.stop ?? null;
  return stop && (quote(stop) ?? null);
};

test.each(recorded.map((row) => [row.runtime, row.path, row] as const))("%s: %s", (_, path, row) => {
  const { kind, text, id, aliases, supervisor } = labelOf(path) as Label;
  const { runtime, path: _path, ...expected } = row;
  expect<unknown>({ kind, text, id, aliases, supervisor: supervisor() }).toEqual(expected);
});

test("a labeller agrees with labelOf in any order", () => {
  const label = createLabeller();
  for (const { path } of [...recorded, ...recorded.toReversed()]) {
    expect({ ...label(path), supervisor: null, inside: null }).toEqual({
      ...labelOf(path),
      supervisor: null,
      inside: null,
    });
    expect(label(path)?.supervisor()).toEqual(labelOf(path)?.supervisor());
  }
  expect([label("/"), label(""), label("//")]).toEqual([null, null, null]);
});

test.each([
  ["/", "the root"],
  ["", "an empty path"],
  ["//", "empty components"],
  ["/batch/job7", "an unknown name"],
  ["/batch/nginx.service", "a unit name where systemd creates none"],
  ["/system.slice/nginx.service/worker.service", "a unit name in a delegated subtree"],
  ["/system.slice/nginx.service/runtime", "a child of a unit"],
  [`/docker/${ID}/work`, "a child of a container"],
  [`/batch/${ID}`, "an id without a runtime"],
  [`/docker/${ID.slice(1)}`, "an id that is one digit short"],
  [`/docker/${ID}0`, "an id that is one digit too long"],
  [`/docker/${ID.toUpperCase()}`, "an id in capitals"],
  [`/docker/${ID.slice(0, 12)}`, "the short form of an id"],
  [`/docker-${ID}x`, "an id with a suffix"],
  [`/kernel-${ID}`, "an unknown prefix"],
  [`/constructor-${ID}`, "a prefix that is a property of every object"],
  [`/a.slice:constructor:${ID}`, "the same between colons"],
  [`/a.slice:docker:c:${ID}`, "too many colons"],
  [`/a.slice:docker${ID}`, "a missing colon"],
  [`/kubepods/pod${UID}x`, "a pod uid with a suffix"],
  ["/kubepods/podmonster", "a name that starts with pod"],
  [`/pod${UID}`, "a pod outside Kubernetes"],
  [`/nomad/${UID}.`, "a task without a name"],
  [`/nomad/${UID}+web`, "an allocation without a task"],
  [`/share/${UID}.web`, "a partition outside Nomad"],
  ["/system.slice/docker", "the directory of a runtime in a slice"],
  ["/batch/docker", "the directory of a runtime below the root"],
  ["/buildkit/base", "a build cache"],
  ["/batch/0123456789abcdefghijklmno", "a build id outside BuildKit"],
  ["/job_12", "a job outside Slurm"],
  ["/batch/job_12/step_0", "a step outside Slurm"],
  ["/batch/uid_0/job_12", "a user's job outside Slurm"],
  ["/slurm/job_12/extern0", "a child of a job that is not a step"],
  ["/slurm/job_12/step_0/user/x.service", "a unit name in a part without units"],
  [`/batch/ecstasks-${ID.slice(32)}.slice`, "the slice of a task where systemd creates none"],
  [`/batch/x/${ID.slice(32)}`, "a task outside ECS"],
  [`/ecs/${"x".repeat(33)}12`, "a container number without a task"],
  ["/slurm/job_", "a job without a number"],
  ["/slurm/uid_0/job_12/step_", "a step without a name"],
  ["/slurm/uid_0/job_12x", "a job with a suffix"],
  ["/slurm/job_12/step_0/task_", "a task without a number"],
  ["/batch/slurm_vm", "the directory of a node below another"],
  ["/openrc.-x", "a service that looks like an option"],
  ["/openrc.", "a service without a name"],
  ["/batch/openrc.nginx", "a service of OpenRC where it makes none"],
  ["/batch/rc/nginx", "the same below a directory"],
  ["/default/-x", "an id that looks like an option"],
  ["/batch/default/web", "a namespace of containerd below another cgroup"],
  ["/default/web/x", "a child of a container that has its own name"],
  ["/lxc.payload.", "a container without a name"],
  ["/.libvirt-qemu", "a machine without a name"],
  ["/work/ecs/x", "a cluster"],
  ["/system.slice/bad name.service", "a space, which no unit name has"],
  ["/system.slice/$(reboot).service", "a name that systemd rejects"],
  ["/system.slice/nginx.service (deleted)", "the suffix of a removed cgroup"],
])("%s has no label: %s", (path) => {
  expect(labelOf(path)).toBeNull();
});

test.each([
  // Groups and parts, by each of their names.
  ["/docker", "docker containers"],
  ["/libpod_parent", "podman containers"],
  ["/ecs", "ecs tasks"],
  ["/nomad", "nomad tasks"],
  ["/slurm", "slurm jobs"],
  ["/lxc", "lxc containers"],
  ["/lxc.payload", "lxc containers"],
  ["/lxc.monitor", "lxc monitors"],
  ["/machine", "machines"],
  [`/docker-${ID}.scope/container`, "docker 3726184226f5 (container)"],
  [`/nerdctl-${ID}.scope/container`, "nerdctl 3726184226f5 (container)"],
  [`/containerd-${ID}.scope/container`, "containerd 3726184226f5 (container)"],
  [`/docker-${ID}.scope/container/cron.service`, "unit cron.service"],
  [`/azpl_job/${ID}`, "docker 3726184226f5"],
  // Units that only look like another kind.
  [`/a-pod${UID.replaceAll("-", "_")}.slice`, `slice a-pod${UID.replaceAll("-", "_")}.slice`],
  ["/101.scope", "scope 101.scope"],
  ["/qemu.slice/web.scope", "scope web.scope"],
  ["/system.slice/snap.hello.service", "unit snap.hello.service"],
  ["/system.slice/snap..hello.service", "unit snap..hello.service"],
  ["/system.slice/app-gnome-editor-12.scope", "scope app-gnome-editor-12.scope"],
  [`${MANAGER}/app.slice/ui-gnome-editor-12.scope`, "user scope ui-gnome-editor-12.scope"],
  [`${MANAGER}/app.slice/app-gnome-editor.service`, "user unit app-gnome-editor.service"],
  [`${MANAGER}/app.slice/app--12.scope`, "user scope app--12.scope"],
])("%s has the label %s", (path, text) => {
  expect(textOf(path)).toBe(text);
});

test.each([
  "/nothing", // for each kind of ancestor
  "/system.slice/x",
  `/docker/${ID}/x`,
  `/kubepods/pod${UID}/x`,
  "/lxc/web/x",
  `/nomad/${UID}.web/x`,
  "/slurm/job_12/x",
  "/machine.slice/machine-foo.scope/x",
  `${MANAGER}/x`,
])("the label of an ancestor is not inherited: %s", (path) => {
  expect(labelOf(path)).toBeNull();
});

test.each([
  ["/system.slice/", "slice system.slice"],
  [`//docker//${ID}/`, "docker 3726184226f5"],
  ["system.slice/nginx.service", "unit nginx.service"],
])("empty components are ignored: %s", (path, text) => {
  expect(textOf(path)).toBe(text);
});

describe("escapes of systemd", () => {
  test.each([
    ["a\\x2db.service", "unit a-b.service"],
    ["caf\\xc3\\xa9.service", "unit café.service"],
    ["x\\x40y@z.service", "unit x@y@z.service"],
    // What is not printable stays escaped.
    ["a\\xff.service", "unit a\\xff.service"],
    ["a\\x1b.service", "unit a\\x1b.service"],
    ["a\\x0a.service", "unit a\\x0a.service"],
    ["a\\xe2\\x80\\xae.service", "unit a\\xe2\\x80\\xae.service"],
    ["a\\xzz.service", "unit a\\xzz.service"],
    ["a\\x2.service", "unit a\\x2.service"],
  ])("%s", (name, text) => {
    expect(textOf(`/system.slice/${name}`)).toBe(text);
    expect(labelOf(`/system.slice/${name}`)?.supervisor()?.stop).toEqual(["systemctl", "stop", name]);
  });
});

describe("one id names one cgroup", () => {
  test.each([
    [`/machine.slice/libpod-${ID}.scope`, `/machine.slice/libpod-conmon-${ID}.scope`],
    [`/machine.slice/libpod-${ID}.scope`, `/machine.slice/libpod-${ID}.scope/container`],
    [`/system.slice/crio-${ID}.scope`, `/system.slice/crio-conmon-${ID}.scope`],
    [`/kubepods/pod${UID}`, `/kubepods/pod${UID}/${ID}`],
    ["/lxc.payload.web", "/lxc.monitor.web"],
    ["/slurm/job_12/step_0", "/slurm/job_12"],
    ["/x_slurmstepd.scope/job_12/step_0/user", "/x_slurmstepd.scope/job_12/step_0"],
    ["/x_slurmstepd.scope/job_12/step_0/user", "/x_slurmstepd.scope/job_12/step_0/slurm"],
    ["/slurm/job_12/step_0", "/slurm/job_12/step_0/task_0"],
    ["/machine.slice/machine-qemu\\x2d1\\x2dweb.scope", "/machine.slice/machine-qemu\\x2d1\\x2dweb.scope/libvirt"],
    ["/user.slice/user-1000.slice", MANAGER],
  ])("%s, and not %s", (thing, other) => {
    const aliases = labelOf(thing)?.aliases ?? [];
    expect(aliases).not.toBeEmpty();
    expect(labelOf(other)?.aliases).not.toContainAnyValues([...aliases]);
    expect(labelOf(other)?.id).not.toBe(labelOf(thing)?.id ?? aliases[0]);
  });
});

describe("a stop command reaches the named thing, not another one with its name", () => {
  const inside = `${MANAGER}/user.slice/docker-${ID}.scope`;
  const docker = "sudo -u '#1000' docker -H unix:///run/user/1000/docker.sock";

  test.each([
    // Below a user manager, commands run as that user.
    [`${MANAGER}/user@0.service/sshd.service`, null],
    [`${MANAGER}/user-0.slice/user@0.service`, "systemctl --user -M 1000@ stop user@0.service"],
    [`${MANAGER}/user.slice/user-0.slice`, "systemctl --user -M 1000@ stop user-0.slice"],
    [`${MANAGER}/session-1.scope`, "systemctl --user -M 1000@ stop session-1.scope"],
    [`${MANAGER}/machine-prod.scope`, "systemctl --user -M 1000@ stop machine-prod.scope"],
    [`${MANAGER}/qemu.slice/101.scope`, "sudo -u '#1000' qm shutdown 101"],
    [`${MANAGER}/lxc.payload.web`, "sudo -u '#1000' lxc-stop -n web"],
    [`${MANAGER}/nomad/${UID}.web`, `sudo -u '#1000' nomad alloc stop ${UID}`],
    [`${MANAGER}/slurm/job_12`, "sudo -u '#1000' scancel 12"],
    // Inside a container, commands run inside it.
    [`${inside}/docker/${ID}`, `${docker} exec 3726184226f5 docker stop 3726184226f5`],
    [`${inside}/system.slice/sshd.service`, `${docker} exec 3726184226f5 systemctl stop sshd.service`],
    [`/lxc/a/lxc/b`, "lxc-attach -n a -- lxc-stop -n b"],
    [`/lxc/a/lxc/b/x.service`, "lxc-attach -n a -- lxc-attach -n b -- systemctl stop x.service"],
    [`/kubepods/pod${UID}/crio-${ID}/a.service`, "crictl exec 3726184226f5 systemctl stop a.service"],
    // If no single command leads inside, there is none.
    [`/kubepods/pod${UID}/${ID}/a.service`, null],
    [`/machine.slice/machine-m.scope/payload/docker/${ID}`, null],
    [`/docker/${ID}/machine.slice/machine-m.scope/payload/a.service`, null],
  ])("%s", (path, stop) => {
    expect(stopOf(path)).toBe(stop);
  });
});

describe("hostile names in a stop command", () => {
  test.each([
    "$(touch cgkill-pwned)",
    "`touch cgkill-pwned`",
    "a'; reboot; '",
    'a"b',
    "a b\tc",
    "a\\'b\\",
    "--all",
    "-rf",
    "~root",
    "=cmd",
    "*",
    "#x",
    "!!",
    "a;b&c|d>e<f",
    "\x1b[2J\u202eevil",
    "é'\\7",
    "日本語",
    "😀",
    "x".repeat(243),
    "'".repeat(243),
    "a\udcff7\udc80",
  ])("%j is one argument", (name) => {
    expect(labelOf(`/lxc.payload.${name}`)?.supervisor()?.stop).toEqual(["lxc-stop", "-n", name]);
  });

  test("a pipeline keeps its arguments inside another command", () => {
    const inner = labelOf(`/docker/${ID}/kubepods/pod${UID}`)?.supervisor()?.stop;
    const outer = labelOf(`/kubepods/pod${UID}`)?.supervisor()?.stop ?? [];
    expect(inner).toEqual(["docker", "exec", "3726184226f5", ...outer]);
  });

  test("a unit that looks like an option follows --", () => {
    expect(stopOf("/-x.service")).toBe("systemctl stop -- -x.service");
  });
});

describe("cost", () => {
  // With quadratic cost, names of this length would exceed the test time limit.
  test.each([
    "-",
    "a-",
    ".",
    "\\x2d",
    "\\x",
    "@",
    "_",
    "kubepods-",
    "-pod",
    "libpod_pod_",
    ":",
    "0",
    "snap.",
    "app-",
    "qemu-1-",
    "'",
    "\udcff",
  ])("the cost of %j, repeated, is linear", (piece) => {
    const name = piece.repeat(Math.ceil(100_000 / piece.length));
    for (const before of ["", "machine-", "snap.", "app-", "lxc.payload.", "kubepods-", "docker-"]) {
      for (const after of ["", ".scope", ".slice", ".service", "!", ":x:", `-${ID}.scope`, `-pod${UID}.slice`]) {
        for (const slice of ["/system.slice", `${MANAGER}/app.slice`]) {
          expect(textOf(`${slice}/${before}${name}${after}`)).not.toBe("");
        }
      }
    }
  });

  test("a path of the maximum depth is handled", () => {
    expect(labelOf("/a".repeat(2000))).toBeNull();
    expect(textOf(`/docker/${ID}`.repeat(50))).toBe("docker 3726184226f5");
  });
});

test("for any name, labelOf does not throw, and no text is empty", () => {
  const pieces = [
    "",
    ".slice",
    ".scope",
    ".service",
    "user@",
    "user-",
    "-",
    "1000",
    "docker",
    "lxc",
    ID,
    UID,
    "\\x2d",
    "é",
  ];
  let seed = 5;
  const pick = (): string => {
    seed = (seed * 48271) % 2147483647;
    return pieces[seed % pieces.length] as string;
  };
  for (let round = 0; round < 20_000; round++) {
    const path = Array.from({ length: 1 + (round % 4) }, () => `/${pick()}${pick()}${pick()}`).join("");
    const label = labelOf(path);
    if (label === null) continue;
    expect(label.text).not.toBe("");
    expect(label.aliases).not.toContain("");
    expect(label.supervisor()?.stop ?? ["x"]).not.toContain("");
  }
});
