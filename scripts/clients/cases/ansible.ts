// The playbook of scripts/fleet, on this host.

import { readFileSync, writeFileSync } from "node:fs";

import { BINARY } from "../../../test/support/run-cgkill.ts";
import { type Case, expectThat, RUNAWAY, type Stage, untilRunaway } from "../stage.ts";

export const ansible: Case = {
  client: "Ansible",
  programs: ["ansible-playbook"],
  packages: "ansible-core",
  async run(stage: Stage) {
    const { scratch, name } = stage;
    const dir = stage.makeGroup();
    stage.start(["sh", "-c", `echo 0 >${dir}/cgroup.procs; ${RUNAWAY}`]);
    await untilRunaway(dir);
    const label = stage.label(`/${name}`);
    const vars = {
      ansible_connection: "local",
      ansible_python_interpreter: Bun.which("python3"),
      cgkill_binary: BINARY,
      cgkill_into: `${scratch}/cgkill`,
      cgkill_report: `${scratch}/report.json`,
      cgkill_cgroup: `/${name}`,
    };
    writeFileSync(`${scratch}/hosts.yml`, JSON.stringify({ cgkill: { hosts: { here: vars } } }));
    const playbook = `${import.meta.dir}/../../fleet/cgkill.yml`;
    const env = { HOME: scratch, LC_ALL: "C.UTF-8", ANSIBLE_NOCOLOR: "1" };
    const output = stage.must(["ansible-playbook", "-i", `${scratch}/hosts.yml`, playbook], env);
    const { here } = JSON.parse(readFileSync(`${scratch}/report.json`, "utf8")).hosts;
    const [{ outcome, killed_count }] = here.documents;
    expectThat(outcome === "killed" && killed_count >= 51 && here.exit_status === 0, "its report", here);
    expectThat(/here +: ok=.*failed=0/.test(output), "the recap", output);
    return {
      label,
      killed: `${killed_count}, by its path`,
      says: "`failed=0`, and its report has the kill",
      restart: "–",
    };
  },
};
