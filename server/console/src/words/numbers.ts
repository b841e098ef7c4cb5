// How numbers, times and rates are worded: the same as in the report. It rounds for reading, but never so far that
// something becomes nothing or a part becomes the whole.

/** Stands wherever there is no figure; never a zero. */
export const NOT_MEASURED = 'not measured';
const GAP = '\u00a0';

export function count(n: number): string {
  return Math.round(n).toLocaleString('en-GB');
}

export function counted(n: number, one: string, many: string): string {
  return `${count(n)}${GAP}${n === 1 ? one : many}`;
}

/** Words a round-trip time, given in milliseconds. */
export function ms(value: number): string {
  if (value < 0.0005) return `under 0.001${GAP}ms`;
  if (value < 0.9995) return `${value.toFixed(3)}${GAP}ms`;
  if (value < 9.995) return `${value.toFixed(2)}${GAP}ms`;
  if (value < 999.95) return `${value.toFixed(1)}${GAP}ms`;
  return `${count(value)}${GAP}ms`;
}

/** Words a time on the wire, which is in whole microseconds. */
export function us(value: bigint | number | undefined): string {
  return value === undefined ? NOT_MEASURED : ms(Number(value) / 1000);
}

/** Words what something adds to a time on the wire. */
export function added(value: bigint): string {
  return value < 10n ? `under 0.01${GAP}ms` : `+${us(value)}`;
}

const RATES: [string, number][] = [['Gbit/s', 1e9], ['Mbit/s', 1e6], ['kbit/s', 1e3]];

export function rateUnit(bps: number): [string, number] {
  return RATES.find(([, scale]) => bps >= 0.9995 * scale) ?? ['bit/s', 1];
}

/** Words a bit rate with three significant digits. */
export function rate(bps: number): string {
  if (bps > 0 && bps < 0.5) return `under 1${GAP}bit/s`;
  const [unit, scale] = rateUnit(bps);
  const value = bps / scale;
  const digits = scale <= 1 ? 0 : value < 9.995 ? 2 : value < 99.95 ? 1 : 0;
  return `${value.toFixed(digits)}${GAP}${unit}`;
}

/** Words a share: only nothing is 0 %, only all is 100 %. */
export function percent(ratio: number): string {
  const value = ratio * 100;
  if (value <= 0) return `0${GAP}%`;
  if (value >= 100) return `100${GAP}%`;
  const edge = Math.min(value, 100 - value);
  if (edge < 0.0005) return value < 50 ? `under 0.001${GAP}%` : `over 99.999${GAP}%`;
  return `${value.toFixed(edge < 0.0095 ? 3 : edge < 0.95 ? 2 : 1)}${GAP}%`;
}

function scaled(bytes: number, base: number, units: [string, ...string[]]): string {
  let unit = 0;
  let value = bytes;
  while (unit + 1 < units.length && value >= base) {
    value /= base;
    unit += 1;
  }
  return unit === 0 ? `${count(bytes)}${GAP}${units[0]}` : `${value.toFixed(1)}${GAP}${units[unit]}`;
}

/** Words an amount of data in decimal units, as links are sold. */
export function data(bytes: bigint | number): string {
  return scaled(Number(bytes), 1000, ['bytes', 'kB', 'MB', 'GB', 'TB']);
}

/** Words an amount of memory in binary units, as machines are sold. */
export function memory(bytes: bigint | number): string {
  return scaled(Number(bytes), 1024, ['bytes', 'KiB', 'MiB', 'GiB', 'TiB']);
}

/** Words how long something took, given in seconds. */
export function span(seconds: number): string {
  if (seconds < 59.95) return `${seconds.toFixed(seconds < 9.95 ? 1 : 0)}${GAP}s`;
  const s = Math.floor(Math.max(seconds, 60));
  if (s < 3600) return `${Math.floor(s / 60)}${GAP}min ${s % 60}${GAP}s`;
  if (s < 86400) return `${Math.floor(s / 3600)}${GAP}h ${Math.floor((s % 3600) / 60)}${GAP}min`;
  return `${counted(Math.floor(s / 86400), 'day', 'days')} ${Math.floor((s % 86400) / 3600)}${GAP}h`;
}

/** Turns wire time into seconds. */
export function seconds(unixUs: bigint): number {
  return Number(unixUs) / 1e6;
}

const DAY = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short', year: 'numeric' });
const TIME = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit' });
const EXACT = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', second: '2-digit' });

/** Words a moment of this machine's day, given in seconds since 1970. */
export function time(at: number): string {
  return TIME.format(at * 1000);
}

export function exact(at: number): string {
  return EXACT.format(at * 1000);
}

export function moment(at: number, now: number): string {
  const day = DAY.format(at * 1000);
  return day === DAY.format(now * 1000) ? `today, ${time(at)}` : `${day}, ${time(at)}`;
}
