// Starts this program once more, as a helper process in a session of its own, which gets descriptors and a pipe.

import type { Fd } from "../sys.ts";

export interface Helper {
  /** The first line that it says; "" if it says none in time, or is gone. */
  readonly readLine: (timeoutMs: number) => Promise<string>;
  /** Say a last word to it, and close the pipe. */
  readonly end: (word: string) => void;
  readonly stop: () => void;
}

/** The runtime's file system of a compiled program: what is below it is inside our own file. */
const COMPILED = "/$bunfs/";

/**
 * Start this program with other words. It inherits nothing but standard input and output, which are pipes, what it is
 * given (descriptors 3 and up), and the variables of the loader.
 *
 * @throws Error  the kernel did not let us start it
 */
export function startHelper(words: readonly string[], given: readonly Fd[]): Helper {
  const program = Bun.main.startsWith(COMPILED) ? [] : [Bun.main];
  // Our own file, also if it was removed or replaced since.
  const child = Bun.spawn(["/proc/self/exe", ...program, ...words], {
    argv0: "cgkill",
    env: readLoaderVariables(),
    cwd: "/",
    detached: true,
    stdio: ["pipe", "pipe", "ignore", ...given],
  });
  // The helper ends by itself, and does not keep us from ending.
  child.unref();
  return {
    async readLine(timeoutMs) {
      const reader = child.stdout.getReader();
      // A line is one write to a pipe, and so one read.
      const line = reader.read().then(({ value }) => new TextDecoder().decode(value));
      const said = await Promise.race([line, Bun.sleep(timeoutMs).then(() => "")]);
      reader.cancel().catch(() => {});
      return said;
    },
    end(word) {
      try {
        child.stdin.write(word);
        void child.stdin.end();
      } catch {
        // The helper has exited, and nothing is left for it to do.
      }
    },
    stop: () => child.kill("SIGKILL"),
  };
}

/**
 * Where the loader looks for libraries, and nothing else: our environment has variables that the first instructions
 * changed or added (scripts/build/entry.ts).
 */
const readLoaderVariables = (): Record<string, string | undefined> =>
  Object.fromEntries(Object.entries(process.env).filter(([name]) => name.startsWith("LD_")));
