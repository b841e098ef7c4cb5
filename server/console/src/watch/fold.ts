// What a watcher is told, folded into what is known of a call. Pure: it reads no clock, calls nobody, draws nothing.
//
// A snapshot replaces what was known of the session and its tests; samples are kept by their sequences, so that
// whatever comes twice is there once, and what is missing can be read from the record and filled in.
import {
  type Absence, type SequencedSample, type SessionOverview, type SessionRecord, type TestRecord, type WatchEvent,
} from '../gen/cnc/v1/session_pb';
import { Columns, type HopColumns, hopRow, type LoadColumns, loadRow, type PingColumns, pingRow } from './columns';
import { Path } from './path';

/** How long the idle round trips before a download or upload take, in seconds. */
const IDLE_TAKES = 0.4;

/** A test with its samples so far. */
export interface TestState {
  record: TestRecord;
  ping: PingColumns | undefined;
  hops: HopColumns | undefined;
  path: Path;
  load: LoadColumns | undefined;
  /** Samples held. */
  held: number;
  /** When bytes began to flow, in seconds since 1970, as far as that is known. */
  flowsSince: number | undefined;
}

/** Gives a test without any samples. */
export function fresh(record: TestRecord): TestState {
  return { record, ping: undefined, hops: undefined, path: new Path(), load: undefined, held: 0, flowsSince: undefined };
}

/** A time in which the client was away, in seconds since 1970 by the listener's clock. */
export interface Away {
  from: number;
  /** When it was back; absent while it is not, and where the call ended before. */
  until: number | undefined;
}

/** Samples of a test that are in the record and not here: those after one sequence and before another. */
export interface Missing {
  test: number;
  after: bigint;
  before: bigint;
}

export class Fold {
  overview: SessionOverview | undefined;
  consented: number | undefined;
  readonly tests = new Map<number, TestState>();
  /** When the client was away, the first time first; another list with each change. */
  away: readonly Away[] = [];
  /** How often all was told anew. */
  snapshots = 0;

  /** Takes in an event that came at a time by the listener's clock; gives the tests that have new samples. */
  apply(event: WatchEvent, at: number): Set<number> {
    const touched = new Set<number>();
    switch (event.event.case) {
      case 'snapshot':
        if (event.event.value.record) this.replace(event.event.value.record);
        this.take(event.event.value.recent, touched);
        this.snapshots += 1;
        break;
      case 'session':
        this.overview = event.event.value;
        break;
      case 'test':
        this.test(event.event.value);
        touched.add(event.event.value.id);
        break;
      case 'samples':
        this.take(event.event.value.samples, touched);
        for (const id of touched) this.began(id, at);
        break;
      case 'absence':
        this.leave(event.event.value);
        break;
      case undefined:
        break;
    }
    return touched;
  }

  /** Takes in samples from the record. */
  fill(samples: readonly SequencedSample[]): Set<number> {
    const touched = new Set<number>();
    this.take(samples, touched);
    return touched;
  }

  /** Tells which samples are to be read from the record, after a snapshot. */
  missing(): Missing[] {
    const found: Missing[] = [];
    for (const [test, { record, held }] of this.tests) {
      if (BigInt(held) < record.samples) found.push({ test, after: 0n, before: (this.overview?.storedSequence ?? 0n) + 1n });
    }
    return found;
  }

  /** Tells when the last thing that is known of happened. */
  end(): number {
    let last = Number(this.overview?.createdUnixUs ?? 0n) / 1e6;
    if (this.overview?.endedUnixUs !== undefined) return Math.max(last, Number(this.overview.endedUnixUs) / 1e6);
    for (const test of this.tests.values()) {
      if (test.record.endedUnixUs !== undefined) last = Math.max(last, Number(test.record.endedUnixUs) / 1e6);
      const began = start(test);
      const columns = test.ping ?? test.hops ?? test.load;
      if (began !== undefined && columns && columns.length > 0) last = Math.max(last, began + columns.at('at', -1));
    }
    return last;
  }

  private replace(record: SessionRecord): void {
    if (record.overview) this.overview = record.overview;
    this.away = [];
    for (const absence of record.absences) this.leave(absence);
    this.consented = record.consentedUnixUs === undefined ? undefined : Number(record.consentedUnixUs) / 1e6;
    const known = new Set(record.tests.map((test) => test.id));
    for (const id of this.tests.keys()) if (!known.has(id)) this.tests.delete(id);
    for (const test of record.tests) this.test(test);
  }

  /** Takes in that the client was lost, or is back. */
  private leave(absence: Absence): void {
    const told = away(absence);
    this.away = [...this.away.filter((each) => each.from !== told.from), told];
  }

  private test(record: TestRecord): void {
    const known = this.tests.get(record.id);
    if (known) known.record = record;
    else {
      this.tests.set(record.id, fresh(record));
    }
  }

  private take(samples: readonly SequencedSample[], touched: Set<number>): void {
    for (const { sequence, test: id, sample } of samples) {
      const test = this.tests.get(id);
      if (!test || !sample) continue;
      const number = Number(sequence);
      let isNew = false;
      switch (sample.sample.case) {
        case 'ping':
          test.ping ??= new Columns(['at', 'rtt', 'fate']);
          isNew = test.ping.add(number, pingRow(sample.sample.value));
          break;
        case 'hop':
          test.hops ??= new Columns(['at', 'ttl', 'rtt']);
          isNew = test.hops.add(number, hopRow(sample.sample.value));
          if (isNew) test.path.add(sample.sample.value);
          break;
        case 'throughput':
          test.load ??= new Columns(['at', 'bps', 'rtt', 'steady']);
          isNew = test.load.add(number, loadRow(sample.sample.value));
          break;
        case undefined:
          break;
      }
      if (isNew) {
        test.held += 1;
        touched.add(id);
      }
    }
  }

  /** Notes when bytes began to flow, once the first sample of them comes in. */
  private began(id: number, at: number): void {
    const test = this.tests.get(id);
    if (test?.load && test.flowsSince === undefined) test.flowsSince = at - test.load.at('at', -1);
  }
}

/** Reads an absence from the wire. */
export function away({ fromUnixUs, untilUnixUs }: Absence): Away {
  return { from: Number(fromUnixUs) / 1e6, until: untilUnixUs === undefined ? undefined : Number(untilUnixUs) / 1e6 };
}

/** Gives the time that a test's samples count from, in seconds since 1970 by the listener's clock. */
export function start(test: TestState): number | undefined {
  const { startedUnixUs, endedUnixUs } = test.record;
  const started = startedUnixUs === undefined ? undefined : Number(startedUnixUs) / 1e6;
  if (!test.load || started === undefined) return started;
  // Bytes begin to flow after the idle round trips were taken. Who watched knows when; else it is told by how long that
  // takes on most lines, and the end is not overrun.
  const began = test.flowsSince ?? started + IDLE_TAKES;
  const last = endedUnixUs === undefined ? Infinity : Number(endedUnixUs) / 1e6 - test.load.at('at', -1);
  return Math.max(started, Math.min(began, last));
}
