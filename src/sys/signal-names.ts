// Signal numbers and their names.

export type SignalName = keyof typeof SIGNALS;

/** Signal numbers, the same on x86-64 and arm64. */
export const SIGNALS = {
  HUP: 1,
  INT: 2,
  QUIT: 3,
  ILL: 4,
  TRAP: 5,
  ABRT: 6,
  BUS: 7,
  FPE: 8,
  KILL: 9,
  USR1: 10,
  SEGV: 11,
  USR2: 12,
  PIPE: 13,
  ALRM: 14,
  TERM: 15,
  STKFLT: 16,
  CHLD: 17,
  CONT: 18,
  STOP: 19,
  TSTP: 20,
  TTIN: 21,
  TTOU: 22,
  URG: 23,
  XCPU: 24,
  XFSZ: 25,
  VTALRM: 26,
  PROF: 27,
  WINCH: 28,
  IO: 29,
  PWR: 30,
  SYS: 31,
} as const;

/** `HUP`; for a signal without a name, such as a real-time one, its number. */
export function shortSignalName(signal: number): string {
  return Object.entries(SIGNALS).find(([, number]) => number === signal)?.[0] ?? String(signal);
}

/** `SIGHUP`; for a signal without a name, `signal 34`. */
export function signalName(signal: number): string {
  const name = shortSignalName(signal);
  return name === String(signal) ? `signal ${signal}` : `SIG${name}`;
}
