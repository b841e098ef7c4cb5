import { describe, expect, it } from 'vitest';

import { daysOf, path, period, read } from './scope';

const at = (ms: number): string => new Date(ms).toISOString().slice(0, 16);

describe('periods', () => {
  const now = Date.parse('2027-01-15T23:30:00Z');

  it('are whole days of the asker, today included', () => {
    const utc = period(7, now, 0);
    expect([at(utc.from), at(utc.until)]).toEqual(['2027-01-09T00:00', '2027-01-16T00:00']);
    const berlin = period(1, now, 60);
    expect([at(berlin.from), at(berlin.until)]).toEqual(['2027-01-15T23:00', '2027-01-16T23:00']);
    expect(daysOf(utc).map((day) => at(day * 1000))).toHaveLength(7);
  });
});

describe('addresses', () => {
  it('give back the choice that made them', () => {
    const choice = { destination: 'a&b=c.example', provider: '0', days: 90 };
    expect(read(new URLSearchParams(path(choice).split('?')[1]))).toEqual(choice);
  });

  it('that make no sense are the usual choice', () => {
    expect(read(new URLSearchParams('days=12&provider=x'))).toEqual({ destination: '', provider: '', days: 30 });
  });
});
