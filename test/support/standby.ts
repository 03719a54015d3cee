// A `cgkill -` that waits for names, as a co-process of a test.

import { expect } from "bun:test";

import { BINARY, documents } from "./run-cgkill.ts";

export interface Standby extends AsyncDisposable {
  readonly pid: number;
  /** What it has written to standard error so far. */
  readonly said: () => string;
  /** Write a name, and read its answer. */
  readonly asks: (name: string) => Promise<Record<string, unknown>>;
  /** Close its input. @returns its exit status and what it wrote to standard error */
  readonly ends: () => Promise<{ readonly code: number; readonly stderr: string }>;
}

export function startStandby(before: readonly string[] = []): Standby {
  const child = Bun.spawn([...before, BINARY, "--json", "-"], { stdio: ["pipe", "pipe", "pipe"], cwd: "/" });
  const reader = child.stdout.getReader();
  let said = "";
  const decoder = new TextDecoder();
  const saying = (async () => {
    for await (const chunk of child.stderr) said += decoder.decode(chunk, { stream: true });
  })();
  return {
    pid: child.pid,
    said: () => said,
    async asks(name) {
      child.stdin.write(`${name}\n`);
      await child.stdin.flush();
      let text = "";
      while (!text.endsWith("\n")) text += new TextDecoder().decode((await reader.read()).value);
      const [answer, ...more] = documents(text);
      expect(more).toEqual([]);
      return answer as Record<string, unknown>;
    },
    async ends() {
      child.stdin.end();
      const code = await child.exited;
      await saying;
      return { code, stderr: said };
    },
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await child.exited;
    },
  };
}
