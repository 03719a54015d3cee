// What an administrator has to know before others may call cgkill, for the man page.

/** Every variable that has an effect, and those that are hidden from the runtime. */
export const ENVIRONMENT: ReadonlyArray<readonly [string, string]> = [
  ["NO_COLOR, FORCE_COLOR", "Colors: none if the first is set; always with the second, unless it is 0."],
  ["TERM", "If it is dumb, no colors, no line that is redrawn, and no interactive mode."],
  ["CI", "If set, the interactive mode is refused: there is no person to ask."],
  ["LC_ALL, LC_CTYPE, LANG", "The first that is set: unless it names UTF-8, a terminal gets ASCII only."],
  [
    "BUN_*, NODE_*, JSC_*, JavaScriptCore*, WTF_*, WebKit*, Malloc*, MIMALLOC_*, SIMDUTF_*, GLIBCXX_*, TZ",
    "No effect. The runtime in this program would act on them; the first instructions of the program hide them from it. " +
      "The exceptions are BUN_JSC_useWarmUpMarkedBlocks=0, BUN_JSC_useConcurrentGC=0, BUN_JSC_numberOfGCMarkers=1 and " +
      "BUN_JSC_useConcurrentJIT=0, with these values: the program passes them to itself on a host short of threads.",
  ],
  [
    "LD_*, GLIBC_TUNABLES, MALLOC_*",
    "Read by the dynamic loader and the C library before the program begins: LD_PRELOAD runs code in it. The loader " +
      "ignores the dangerous ones for a file that is setuid or has capabilities; sudo removes them.",
  ],
];

export const SUDO_RULE: readonly string[] = [
  "Defaults!/usr/local/bin/cgkill env_reset, !setenv",
  "operator ALL=(root) /usr/local/bin/cgkill ^-- /batch/[A-Za-z0-9_-]+$",
];

/** Paragraphs. */
export const SECURITY: readonly string[] = [
  "Whoever may call cgkill as root with arguments of their own choice may kill everything on the host. A sudo rule " +
    "(sudo 1.9.10 or later) that permits the cgroups directly below /batch and nothing else:",
  "A rule with * instead of a regular expression also matches blanks and slashes, and so further operands, options and " +
    "other cgroups. A rule without arguments permits every command of cgkill.",
  "Do not make the file setuid: it does not ask who calls it. File capabilities (CAP_KILL, CAP_DAC_OVERRIDE) let every " +
    "user who may execute it kill every cgroup; restrict that with the group and mode of the file.",
  "Do not strip the file: that makes it an interpreter of JavaScript. A build without the first instructions that its " +
    "own build script adds is one too, if BUN_BE_BUN=1 is set, and with BUN_OPTIONS=--version it ends with exit status " +
    "0 and no kill.",
  "It reads no configuration file, and nothing from the working directory or the home directory.",
];
