// runc and crun, each with a cgroup named after its container.

import { writeBundle } from "../../../test/support/containers.ts";
import { mountPoint } from "../../../test/support/real-cgroup.ts";
import { type Case, expectThat, RUNAWAY, type Stage, untilRunaway } from "../stage.ts";

/** crun needs all controllers on v1; it does not find those that v2 has. */
const HIDE_V2 = `mount --bind /dev/null ${mountPoint("v2")}/cgroup.controllers && exec "$@"`;
const ON_V1 = ["unshare", "--mount", "--propagation=private", "sh", "-c", HIDE_V2, "sh"];

const runtime = (client: string): Case => ({
  client,
  programs: [client],
  packages: client,
  async run(stage: Stage) {
    const argv = [...(client === "crun" ? ON_V1 : []), client, "--root", `${stage.scratch}/state`];
    writeBundle(stage.scratch, { cgroup: `/${stage.name}`, script: RUNAWAY });
    stage.undo(() => void stage.run([...argv, "delete", "--force", stage.name]));
    const log = `${stage.scratch}/log`;
    const command = `exec "$@" >${log} 2>&1`;
    stage.must(["sh", "-c", command, "sh", ...argv, "run", "--detach", "--bundle", stage.scratch, stage.name]);
    await untilRunaway(`${mountPoint("v1")}/${stage.name}`);
    const label = stage.label(`/${stage.name}`);
    const { killed, restart } = await stage.killByName(stage.name, 51);
    const { status } = JSON.parse(stage.must([...argv, "state", stage.name]));
    expectThat(status === "stopped", "state", status);
    stage.must([...argv, "delete", stage.name]);
    return { label, killed, says: "`state`: stopped, and `delete` succeeds", restart };
  },
});

export const runc: Case = runtime("runc");
export const crun: Case = runtime("crun");
