// History in words: what kinds are called, and what figures say.
import { type HistoryFigures, HistoryKind, type HistoryOrigin, type HistoryProvider, type HistorySeries } from '../gen/cnc/v1/history_pb';
import { count, counted, data, moment, NOT_MEASURED, percent, rate, seconds, us } from '../words/numbers';

export const KINDS: Record<HistoryKind, string> = {
  [HistoryKind.UNSPECIFIED]: 'Something unknown',
  [HistoryKind.PING_ICMP]: 'Round trips',
  [HistoryKind.PING_TCP]: 'Round trips by TCP',
  [HistoryKind.PING_UDP]: 'Round trips by UDP',
  [HistoryKind.DOWNLOAD]: 'Downloads',
  [HistoryKind.UPLOAD]: 'Uploads',
};

export function isPing(kind: HistoryKind): boolean {
  return kind === HistoryKind.PING_ICMP || kind === HistoryKind.PING_TCP || kind === HistoryKind.PING_UDP;
}

/** Names a series; the method only where there are several of one kind. */
export function name({ kind, method }: HistorySeries, all: readonly HistorySeries[]): string {
  const isOnly = all.filter((each) => each.kind === kind).length === 1;
  return isOnly ? KINDS[kind] : `${KINDS[kind]} (${method})`;
}

/** Words a percentile. */
export function value(kind: HistoryKind, figure: bigint | undefined): string {
  if (figure === undefined) return NOT_MEASURED;
  return isPing(kind) ? us(figure) : rate(Number(figure));
}

/** Gives the share that was lost; undefined where nothing was sent. */
export function loss({ count, received }: HistoryFigures): number | undefined {
  return count === 0n ? undefined : Number(count - received) / Number(count);
}

export function lost(figures: HistoryFigures): string {
  const share = loss(figures);
  return share === undefined ? NOT_MEASURED : percent(share);
}

/** Says in a sentence or two what figures mean. */
export function sentence(kind: HistoryKind, figures: HistoryFigures): string {
  const n = Number(figures.count);
  if (isPing(kind)) {
    if (figures.p50 === undefined) return `${counted(n, 'probe', 'probes')}, and no reply to any.`;
    return `Half of the round trips took ${value(kind, figures.p50)} or less, 95 of 100 took ${value(kind, figures.p95)} or less. `
      + `${lost(figures)} of ${counted(n, 'probe was', 'probes were')} lost.`;
  }
  if (figures.p50 === undefined) return 'None had a steady rate.';
  return `Half of ${counted(n, 'test', 'tests')} reached ${value(kind, figures.p50)} or more, 95 of 100 reached at least ${value(kind, figures.p05)}.`;
}

export function providerName({ asn, name: known }: HistoryProvider): string {
  if (asn === 0) return 'Provider not known';
  return known ? `${known} (AS${asn})` : `AS${asn}`;
}

/** Says who answered and what it cost, and what cannot be in the answer: what is absent must not be read as nothing. */
export function originSentences(origin: HistoryOrigin | undefined, behind: number, now: number): string[] {
  const newest = `The newest of ${counted(behind, 'call', 'calls')} is not in it yet`;
  if (origin?.source !== 'bigquery') return behind > 0 ? [`${newest}; it is within a minute.`] : [];
  const { billedBytes, billedTotalBytes, completeUntilUnixUs, sessionsLeftOut, samplesSinceUnixUs, probesLeftOut } = origin;
  const cost = billedBytes === undefined ? 'BigQuery did not say what it billed' : `${data(billedBytes)} billed`;
  const total = billedTotalBytes === undefined ? '' : `, ${data(billedTotalBytes)} since the listener’s start`;
  const sentences = [`Answered by BigQuery: ${cost}${total}.`];
  const at = (unixUs: bigint): string => moment(seconds(unixUs), now);
  if (completeUntilUnixUs !== undefined) sentences.push(`Complete up to ${at(completeUntilUnixUs)}; what was measured later may be missing.`);
  if (behind > 0) sentences.push(`${newest}.`);
  if (sessionsLeftOut > 0) {
    sentences.push(`${counted(sessionsLeftOut, 'call is', 'calls are')} not, or not wholly, in BigQuery: nobody took them up, or it refused rows.`);
  }
  if (probesLeftOut > 0n) sentences.push(`${count(Number(probesLeftOut))} probes are left out: BigQuery does not know how they were sent.`);
  if (samplesSinceUnixUs !== undefined) sentences.push(`Round trips of calls that ended before ${at(samplesSinceUnixUs)} are no longer kept there.`);
  return sentences;
}

/** Words an hour of day. */
export function hourName(hour: number): string {
  const two = (n: number): string => String(n).padStart(2, '0');
  return `${two(hour)}:00 to ${two((hour + 1) % 24)}:00`;
}

// The days are those of the clock that was asked by, so that clocks which change within the period do not matter.
const DAY = new Intl.DateTimeFormat('en-GB', { weekday: 'short', day: 'numeric', month: 'short', year: 'numeric', timeZone: 'UTC' });
const SHORT = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short', timeZone: 'UTC' });

/** Words a day by when it begins, in seconds, on a clock that is so far ahead of UTC. */
export function dayName(from: number, aheadMinutes: number): string {
  return DAY.format((from + aheadMinutes * 60) * 1000);
}

export function shortDay(from: number, aheadMinutes: number): string {
  return SHORT.format((from + aheadMinutes * 60) * 1000);
}
