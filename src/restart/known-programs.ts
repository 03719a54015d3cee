// Programs that are known by process name, which has at most 15 characters in /proc/PID/stat.

/** Supervisors, which restart what they manage: the common name by process name. */
export const SUPERVISORS: ReadonlyMap<string, string> = new Map([
  ["supervisord", "supervisord"],
  ["runsv", "runit"],
  ["s6-supervise", "s6"],
  ["supervise-daemo", "openrc"],
  ["monit", "monit"],
  ["cron", "cron"],
  ["CRON", "cron"],
  ["crond", "cron"],
]);

/** They restart nothing: they adopt orphans, wait for one child, or start something once, on request. */
const RESTARTING_NOTHING: readonly string[] = [
  ...["systemd", "init", "conmon", "tini", "dumb-init", "docker-init", "catatonit"],
  ...["tmux: server", "screen", "sshd", "sshd-session", "login", "atd"],
];
export const restartsNothing = (comm: string): boolean =>
  RESTARTING_NOTHING.includes(comm) || comm.startsWith("containerd-shim");

const SHELLS: readonly string[] = ["sh", "ash", "bash", "dash", "fish", "ksh", "mksh", "tcsh", "zsh"];
export const isShell = (comm: string): boolean => SHELLS.includes(comm);
