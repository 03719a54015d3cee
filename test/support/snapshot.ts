// Everything below a directory as one text, to compare before and after.

/** Every path with its type, mode and link target, and every file with its sum. @param without  paths to leave out */
export function snapshot(dir: string, without: readonly string[] = []): string {
  const script = [
    'cd "$0"',
    'find . \\( -false "$@" \\) -prune -o -printf "%P %y %m %l\\n" | sort',
    'find . \\( -false "$@" \\) -prune -o -type f -exec sha256sum {} + | sort',
  ].join(" && ");
  const pruned = without.flatMap((path) => ["-o", "-path", `./${path}`]);
  const ran = Bun.spawnSync(["sh", "-c", script, dir, ...pruned]);
  if (ran.exitCode !== 0) throw new Error(ran.stderr.toString());
  return ran.stdout.toString();
}
