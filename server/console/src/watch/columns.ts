// Samples as columns of numbers: a chart takes them as they are, and an hour of ten a second is a few hundred kilobytes.
import type { HopSample, PingSample, ThroughputSample } from '../gen/cnc/v1/sample_pb';
import { Phase } from '../gen/cnc/v1/sample_pb';

/** Columns of one length that grow together. Rows are kept in the order of their sequences, each once. */
export class Columns<Name extends string> {
  length = 0;
  private room = 64;
  private sequences = new Float64Array(this.room);
  private readonly columns: Record<Name, Float64Array>;

  constructor(private readonly names: readonly Name[]) {
    const empty = names.map((name) => [name, new Float64Array(this.room)]);
    this.columns = Object.fromEntries(empty) as Record<Name, Float64Array>;
  }

  /** Gives a column as far as it is filled; it shares its memory and is not to be kept. */
  column(name: Name): Float64Array {
    return this.columns[name].subarray(0, this.length);
  }

  at(name: Name, row: number): number {
    return this.columns[name][row < 0 ? this.length + row : row] ?? NaN;
  }

  lastSequence(): number {
    return this.length === 0 ? 0 : (this.sequences[this.length - 1] ?? 0);
  }

  /** Adds a row; tells whether it is new. */
  add(sequence: number, values: Record<Name, number>): boolean {
    const at = sequence > this.lastSequence() ? this.length : this.place(sequence);
    if (at < this.length && this.sequences[at] === sequence) return false;
    this.make(at);
    this.sequences[at] = sequence;
    for (const name of this.names) this.columns[name][at] = values[name];
    return true;
  }

  /** Finds where a sequence stands or would stand. */
  private place(sequence: number): number {
    let [low, high] = [0, this.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.sequences[middle] ?? 0) < sequence) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Makes room for a row. */
  private make(at: number): void {
    if (this.length === this.room) {
      this.room *= 2;
      const grown = (old: Float64Array) => {
        const more = new Float64Array(this.room);
        more.set(old);
        return more;
      };
      this.sequences = grown(this.sequences);
      for (const name of this.names) this.columns[name] = grown(this.columns[name]);
    }
    if (at < this.length) {
      this.sequences.copyWithin(at + 1, at, this.length);
      for (const name of this.names) this.columns[name].copyWithin(at + 1, at, this.length);
    }
    this.length += 1;
  }
}

/** What became of a probe, as a number in a column. */
export const Fate = { reply: 0, lost: 1, late: 2, unreachable: 3, notSent: 4 } as const;

export type PingColumns = Columns<'at' | 'rtt' | 'fate'>;
export type HopColumns = Columns<'at' | 'ttl' | 'rtt'>;
export type LoadColumns = Columns<'at' | 'bps' | 'rtt' | 'steady'>;

export function pingRow(sample: PingSample): { at: number; rtt: number; fate: number } {
  const { outcome } = sample;
  const at = Number(sample.atUs) / 1e6;
  switch (outcome.case) {
    case 'reply':
      return { at, rtt: Number(outcome.value.rttUs) / 1e3, fate: Fate.reply };
    case 'late':
      return { at, rtt: Number(outcome.value.rttUs) / 1e3, fate: Fate.late };
    case 'unreachable':
      return { at, rtt: NaN, fate: Fate.unreachable };
    case 'notSent':
      return { at, rtt: NaN, fate: Fate.notSent };
    case 'lost':
    case undefined:
      return { at, rtt: NaN, fate: Fate.lost };
  }
}

export function hopRow(sample: HopSample): { at: number; ttl: number; rtt: number } {
  const { outcome } = sample;
  const answered = outcome.case === 'hop' || outcome.case === 'destination' || outcome.case === 'unreachable';
  return {
    at: Number(sample.atUs) / 1e6,
    ttl: sample.ttl,
    rtt: answered ? Number(outcome.value.rttUs) / 1e3 : NaN,
  };
}

/**
 * When a load's ramp ended, in seconds: the second by which the rate was seen to have settled last is steady already.
 * Its end where it never has.
 */
export function rampEnd(load: LoadColumns): number {
  const [at, steady] = [load.column('at'), load.column('steady')];
  let first = steady.lastIndexOf(1);
  if (first < 0) return load.at('at', -1);
  while (steady[first - 1] === 1) first -= 1;
  return Math.max(0, (at[first] ?? 0) - 1);
}

export function loadRow(sample: ThroughputSample): { at: number; bps: number; rtt: number; steady: number } {
  const interval = Number(sample.intervalUs) / 1e6;
  return {
    at: Number(sample.atUs) / 1e6,
    bps: interval > 0 ? (Number(sample.bytes) * 8) / interval : NaN,
    rtt: sample.rttUs === undefined ? NaN : Number(sample.rttUs) / 1e3,
    steady: sample.phase === Phase.STEADY ? 1 : 0,
  };
}
