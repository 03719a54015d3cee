// Reads the JSON output of cgkill. It needs no binary, so that unit tests can import it before the first build.

/** Parse one JSON document per line. */
export function documents(stdout: string): Record<string, unknown>[] {
  return stdout
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}
