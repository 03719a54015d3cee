// The program of supervisord that a killed process belonged to, by configurations on the real file system.

import { afterAll, expect, test } from "bun:test";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";

import { findProgram } from "../../src/restart/supervisord.ts";
import { libcCalls } from "../../src/sys/calls/libc-calls.ts";
import { linuxSys } from "../../src/sys/linux.ts";

const sys = linuxSys(libcCalls());
const scratch = mkdtempSync(`${tmpdir()}/cgkill-test-`);
chmodSync(scratch, 0o755);
mkdirSync(`${scratch}/conf.d`);
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

function find(started: string, text: string): string | null {
  writeFileSync(`${scratch}/supervisord.conf`, text);
  return findProgram(sys, `${scratch}/supervisord.conf`, started);
}

test.each([
  ["its only program", "[program:web]\ncommand=/usr/bin/nginx -g 'daemon off;'", "web"],
  ["spaces and comments", "; x\n[program:web] ; y\ncommand = nginx ; z\n# [program:x]\n", "web"],
  ["a quoted command", '[program:web]\ncommand="/opt/my web/nginx" -c x', "web"],
  ["another program", "[program:web]\ncommand=nginx\n[program:x]\ncommand=x", "web"],
  ["several processes", "[program:web]\ncommand=nginx\nnumprocs=2", "web:*"],
  ["a group", "[program:web]\ncommand=nginx\n[group:all]\nprograms=a, web", "all:web"],
  ["no such program", "[program:web]\ncommand=apache2", null],
  ["two with this command", "[program:a]\ncommand=nginx\n[program:b]\ncommand=/x/nginx", null],
  [
    "several processes in a group with others",
    "[program:web]\ncommand=nginx\nnumprocs=2\n[group:g]\nprograms=web,a",
    null,
  ],
  ["a name that looks like an option", "[program:--all]\ncommand=nginx", null],
  ["a name that means everything", "[program:*]\ncommand=nginx", null],
  ["a group that looks like an option", "[program:a]\ncommand=nginx\n[group:-x]\nprograms=a", null],
  ["no command", "[program:web]\n", null],
  ["nothing", "", null],
])("%s", (_, text, program) => {
  expect(find("nginx", text)).toBe(program);
});

test("a long command is found by the truncated name of its process", () => {
  expect(find("a-very-long-pro", "[program:x]\ncommand=/a-very-long-program-name")).toBe("x");
});

test("included files are read, unless other users may write to them", () => {
  const include = "[include]\nfiles = conf.d/*.conf none/*.conf other.ini\n";
  writeFileSync(`${scratch}/conf.d/web.conf`, "[program:web]\ncommand=nginx\n");
  writeFileSync(`${scratch}/conf.d/x.txt`, "[program:y]\ncommand=nginx\n");
  expect(find("nginx", include)).toBe("web");
  writeFileSync(`${scratch}/other.ini`, "[program:other]\ncommand=apache2\n");
  expect(find("apache2", include)).toBe("other");
  chmodSync(`${scratch}/conf.d/web.conf`, 0o666);
  expect(find("nginx", include)).toBeNull();
});
