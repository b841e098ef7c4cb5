import { create } from '@bufbuild/protobuf';
import { describe, expect, it } from 'vitest';

import {
  SequencedSampleSchema, SessionState, type WatchEvent, WatchEventSchema,
} from '../gen/cnc/v1/session_pb';
import { Direction, Phase, type Sample } from '../gen/cnc/v1/sample_pb';
import type { MessageInitShape } from '@bufbuild/protobuf';
import { Fate, rampEnd } from './columns';
import { Fold, start } from './fold';
import { persists } from './path';

type SampleInit = MessageInitShape<typeof SequencedSampleSchema>;

function ping(sequence: number, seq: number, rttMs?: number): SampleInit {
  const outcome: Sample['sample'] extends infer _ ? object : never =
    rttMs === undefined
      ? { case: 'lost', value: {} }
      : { case: 'reply', value: { rttUs: BigInt(Math.round(rttMs * 1000)), from: new Uint8Array(4) } };
  const value = { seq, atUs: BigInt(seq * 100_000), outcome };
  return { sequence: BigInt(sequence), test: 1, sample: { sample: { case: 'ping', value } } } as SampleInit;
}

function hop(sequence: number, ttl: number, who?: number): SampleInit {
  const reply = { address: new Uint8Array([10, 0, 0, who ?? 0]), rttUs: BigInt(ttl * 1000) };
  const outcome =
    who === undefined ? { case: 'silent', value: {} } : { case: who === 9 ? 'destination' : 'hop', value: reply };
  const value = { round: 0, ttl, atUs: 0n, outcome };
  return { sequence: BigInt(sequence), test: 1, sample: { sample: { case: 'hop', value } } } as SampleInit;
}

function load(sequence: number, atMs: number, phase = Phase.STEADY): SampleInit {
  const value = {
    direction: Direction.DOWNLOAD, atUs: BigInt(atMs * 1000), intervalUs: 100_000n, flowCount: 4, bytes: 250_000n,
    phase,
  };
  return { sequence: BigInt(sequence), test: 1, sample: { sample: { case: 'throughput', value } } } as SampleInit;
}

const OVERVIEW = { id: 'S', state: SessionState.ACTIVE, connected: true, createdUnixUs: 1_000_000n };

function snapshot(samples: bigint, recent: SampleInit[], stored = 0n): WatchEvent {
  const record = {
    overview: { ...OVERVIEW, storedSequence: stored },
    tests: [{ id: 1, startedUnixUs: 2_000_000n, samples }],
  };
  return create(WatchEventSchema, { event: { case: 'snapshot', value: { record, recent } } });
}

function samples(list: SampleInit[]): WatchEvent {
  return create(WatchEventSchema, { event: { case: 'samples', value: { samples: list } } });
}

function known(...events: WatchEvent[]): Fold {
  const fold = new Fold();
  for (const event of events) fold.apply(event, 100);
  return fold;
}

describe('the fold', () => {
  it('takes samples in once, however often they come', () => {
    const fold = known(snapshot(0n, []), samples([ping(1, 0, 10), ping(2, 1)]), samples([ping(2, 1), ping(3, 2, 12)]));
    const test = fold.tests.get(1);
    expect(test?.held).toBe(3);
    expect([...(test?.ping?.column('rtt') ?? [])]).toEqual([10, NaN, 12]);
    expect([...(test?.ping?.column('fate') ?? [])]).toEqual([Fate.reply, Fate.lost, Fate.reply]);
  });

  it.each([
    ['rrrrrrrrrrrrrrrrrrrss', 1],
    ['rrs', 0],
    // Connections were added amid it, and probes went beside the load at its end.
    ['ssssssssssrrrrrrrrrrrrrsrr', 1.4],
    ['rrrr', 0.4],
  ])('ends the ramp of %s a second before the last steady part was seen', (phases, end) => {
    const sample = (phase: string, nth: number) =>
      load(nth + 1, (nth + 1) * 100, phase === 's' ? Phase.STEADY : Phase.RAMP);
    const fold = known(snapshot(0n, []), samples([...phases].map(sample)));
    const loads = fold.tests.get(1)?.load;
    expect(loads && rampEnd(loads)).toBeCloseTo(end);
  });

  it('replaces what is known when a fresh snapshot comes', () => {
    const fold = known(snapshot(1n, [ping(1, 0, 10)]));
    const fresh = create(WatchEventSchema, {
      event: { case: 'snapshot', value: { record: { overview: OVERVIEW, tests: [{ id: 2 }] }, recent: [] } },
    });
    fold.apply(fresh, 200);
    expect([...fold.tests.keys()]).toEqual([2]);
    expect(fold.snapshots).toBe(2);
  });

  it('keeps the samples it has through a fresh snapshot', () => {
    const fold = known(snapshot(2n, [ping(1, 0, 10), ping(2, 1, 11)]), snapshot(4n, [ping(4, 3, 13)], 4n));
    expect(fold.tests.get(1)?.held).toBe(3);
    expect(fold.missing()).toEqual([{ test: 1, after: 0n, before: 5n }]);
  });

  it('catches up: what it missed is filled in, in order', () => {
    const fold = known(snapshot(5n, [ping(5, 4, 14)], 5n));
    fold.fill([1, 2, 3, 4, 5].map((n) => create(SequencedSampleSchema, ping(n, n - 1, 9 + n))));
    expect([...(fold.tests.get(1)?.ping?.column('rtt') ?? [])]).toEqual([10, 11, 12, 13, 14]);
    expect(fold.missing()).toEqual([]);
    fold.apply(samples([ping(6, 5, 15)]), 101);
    expect(fold.tests.get(1)?.ping?.at('rtt', -1)).toBe(15);
  });

  it('grows past its first room', () => {
    const many = Array.from({ length: 1000 }, (_, n) => ping(n + 1, n, n));
    const fold = known(snapshot(0n, []), samples(many.slice(500)), samples(many));
    const rtts = fold.tests.get(1)?.ping?.column('rtt');
    expect(rtts?.length).toBe(1000);
    expect(rtts?.every((rtt, n) => rtt === n)).toBe(true);
  });

  it('knows when the client was away, whoever watched then', () => {
    const absence = (from: number, until?: number) =>
      ({ fromUnixUs: BigInt(from * 1e6), ...(until === undefined ? {} : { untilUnixUs: BigInt(until * 1e6) }) });
    const told = (from: number, until?: number) =>
      create(WatchEventSchema, { event: { case: 'absence', value: absence(from, until) } });
    const record = { overview: OVERVIEW, tests: [], absences: [absence(100, 105)] };
    const fold = known(create(WatchEventSchema, { event: { case: 'snapshot', value: { record, recent: [] } } }));
    expect(fold.away).toEqual([{ from: 100, until: 105 }]);
    fold.apply(told(110), 110);
    expect(fold.away.at(-1)).toEqual({ from: 110, until: undefined });
    fold.apply(told(110, 115), 115);
    expect(fold.away).toEqual([{ from: 100, until: 105 }, { from: 110, until: 115 }]);
  });

  it('passes over tests and samples that it does not know', () => {
    const strange = create(WatchEventSchema, { event: { case: 'samples', value: { samples: [{ sequence: 9n, test: 7 }] } } });
    expect(known(snapshot(0n, []), strange, create(WatchEventSchema, {})).tests.get(1)?.held).toBe(0);
  });

  it('places bytes where they flowed', () => {
    const fold = known(snapshot(0n, []));
    fold.apply(samples([load(1, 100)]), 10);
    const test = fold.tests.get(1);
    expect(test && start(test)).toBeCloseTo(9.9);
    expect(test?.load?.at('bps', 0)).toBe(20_000_000);
  });

  it('shows a path as far as it is known', () => {
    const fold = known(snapshot(0n, []), samples([hop(1, 1, 1), hop(2, 3, 9), hop(3, 2), hop(4, 4), hop(5, 4, 9)]));
    const hops = fold.tests.get(1)?.path.hops() ?? [];
    expect(hops.map((each) => each.ttl)).toEqual([1, 2, 3]);
    expect(hops.map((each) => [...each.addresses.keys()][0])).toEqual(['10.0.0.1', undefined, '10.0.0.9']);
    expect(hops[2]?.isDestination).toBe(true);
  });
});

describe('loss on the way', () => {
  it('counts only where all behind lose too', () => {
    const hops = [[10, 9], [10, 10], [10, 8], [10, 0], [10, 7]].map(([sent = 0, received = 0]) => ({ sent, received }));
    expect(persists(hops)).toEqual([false, false, true, true, true]);
  });
});
