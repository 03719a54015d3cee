// Amounts as people read them.

const UNITS = ["B", "K", "M", "G", "T"];

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

/** An age or a time used, in two units at most: `42s`, `3m10s`, `5h02m`, `12d03h`. */
export function renderAge(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  const two = (value: number): string => String(value).padStart(2, "0");
  if (whole < MINUTE) return `${whole}s`;
  if (whole < HOUR) return `${Math.floor(whole / MINUTE)}m${two(whole % MINUTE)}s`;
  if (whole < DAY) return `${Math.floor(whole / HOUR)}h${two(Math.floor((whole % HOUR) / MINUTE))}m`;
  return `${Math.floor(whole / DAY)}d${two(Math.floor((whole % DAY) / HOUR))}h`;
}

/** How old something is that was started then; "-" where that is not known. */
export function renderAgeOf(startedAt: string | null, now: Date): string {
  return startedAt === null ? "-" : renderAge((now.getTime() - new Date(startedAt).getTime()) / 1000);
}
