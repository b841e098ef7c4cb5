import { create } from '@bufbuild/protobuf';
import { describe, expect, it } from 'vitest';

import { HistoryOriginSchema } from '../gen/cnc/v1/history_pb';
import { originSentences } from './words';

const now = Date.parse('2027-01-15T23:30:00Z') / 1000;

describe('where an answer comes from', () => {
  it('is not told of the listener’s own record, but for what it lacks', () => {
    const origin = create(HistoryOriginSchema, { source: 'store' });
    expect(originSentences(origin, 0, now)).toEqual([]);
    expect(originSentences(undefined, 1, now).join(' ')).toContain('within a minute');
  });

  it('is told of BigQuery with its cost and all that it lacks', () => {
    const until = BigInt(now) * 1_000_000n;
    const lacks = { sessionsLeftOut: 1, probesLeftOut: 1200n, samplesSinceUnixUs: until, completeUntilUnixUs: until };
    const origin = create(HistoryOriginSchema, { source: 'bigquery', billedBytes: 12_300_000n, billedTotalBytes: 0n, ...lacks });
    const said = originSentences(origin, 2, now).join(' ').replaceAll('\u00a0', ' ');
    for (const words of ['12.3 MB billed', '0 bytes since', 'Complete up to today', 'newest of 2 calls', '1 call is not', '1,200 probes', 'no longer kept']) {
      expect(said).toContain(words);
    }
  });

  it('says so where the cost was not told', () => {
    const said = originSentences(create(HistoryOriginSchema, { source: 'bigquery' }), 0, now);
    expect(said).toEqual(['Answered by BigQuery: BigQuery did not say what it billed.']);
  });
});
