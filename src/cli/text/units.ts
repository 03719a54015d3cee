// Counts, amounts and times as text.

/** `plural(2, "process")` is "2 processes". */
export function plural(count: number, noun: string): string {
  const many = noun.endsWith("ss") ? `${noun}es` : `${noun}s`;
  return `${count} ${count === 1 ? noun : many}`;
}

/** How long something took: `3.1 ms`, `12 ms`, `12.3 s`. */
export function renderDuration(ms: number): string {
  if (ms < 10) return `${ms.toFixed(1)} ms`;
  if (ms < 10_000) return `${Math.round(ms)} ms`;
  return `${(ms / 1000).toFixed(1)} s`;
}

const UNITS = ["B", "K", "M", "G", "T"];

/** In binary units, with one decimal below ten: `512B`, `3.0M`, `24G`. */
export function renderBytes(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < UNITS.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${value < 10 && unit > 0 ? value.toFixed(1) : Math.round(value)}${UNITS[unit]}`;
}

const MINUTE = 60;
const HOUR = 3600;
const DAY = 86_400;

/** An age or a CPU time, in at most two units: `42s`, `3m10s`, `5h02m`, `12d03h`. */
export function renderAge(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  const twoDigits = (value: number): string => String(value).padStart(2, "0");
  if (whole < MINUTE) return `${whole}s`;
  if (whole < HOUR) return `${Math.floor(whole / MINUTE)}m${twoDigits(whole % MINUTE)}s`;
  if (whole < DAY) return `${Math.floor(whole / HOUR)}h${twoDigits(Math.floor((whole % HOUR) / MINUTE))}m`;
  return `${Math.floor(whole / DAY)}d${twoDigits(Math.floor((whole % DAY) / HOUR))}h`;
}

/** The age of something started at an ISO 8601 time; "-" if that is unknown. */
export function renderAgeOf(startedAt: string | null, now: Date): string {
  return startedAt === null ? "-" : renderAge((now.getTime() - new Date(startedAt).getTime()) / 1000);
}
