// What history is asked for: read from the address, so that every picture has a link, and made into a request.
import { create } from '@bufbuild/protobuf';

import { type HistoryScope, HistoryScopeSchema } from '../gen/cnc/v1/history_pb';

export const PERIODS = [7, 30, 90, 365] as const;
const DAY_MS = 86_400_000;

/** What somebody looks at. */
export interface Choice {
  /** A destination as tests named it; '' for all. */
  destination: string;
  /** A provider's number, '0' for an unknown one; '' for all. */
  provider: string;
  days: number;
}

export function read(search: URLSearchParams): Choice {
  const days = Number(search.get('days'));
  const provider = search.get('provider') ?? '';
  return {
    destination: search.get('destination') ?? '',
    provider: /^\d{1,10}$/.test(provider) ? provider : '',
    days: PERIODS.some((known) => known === days) ? days : 30,
  };
}

/** Gives the address of a choice. */
export function path({ destination, provider, days }: Choice): string {
  const search = new URLSearchParams();
  if (destination) search.set('destination', destination);
  if (provider) search.set('provider', provider);
  search.set('days', String(days));
  return `#/history?${search}`;
}

export interface Period {
  /** In milliseconds since 1970, as of the asker's midnight. */
  from: number;
  until: number;
}

/** Gives whole days of the asker's, today included. */
export function period(days: number, nowMs: number, aheadMinutes: number): Period {
  const ahead = aheadMinutes * 60_000;
  const until = (Math.floor((nowMs + ahead) / DAY_MS) + 1) * DAY_MS - ahead;
  return { from: until - days * DAY_MS, until };
}

/** Gives when each day of a period begins, in seconds. */
export function daysOf({ from, until }: Period): number[] {
  return Array.from({ length: Math.round((until - from) / DAY_MS) }, (_, n) => (from + n * DAY_MS) / 1000);
}

export function scope(choice: Choice, { from, until }: Period, aheadMinutes: number): HistoryScope {
  return create(HistoryScopeSchema, {
    ...(choice.destination ? { destination: choice.destination } : {}),
    ...(choice.provider ? { asn: Number(choice.provider) } : {}),
    fromUnixUs: BigInt(from) * 1000n,
    untilUnixUs: BigInt(until) * 1000n,
    utcOffsetMinutes: aheadMinutes,
  });
}
