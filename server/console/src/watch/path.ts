// A path as it becomes known, hop by hop: what mtr shows. Pure; the figures are those of METHODS' trace, live.
import type { HopSample } from '../gen/cnc/v1/sample_pb';
import { address } from '../words/address';

/** One distance on the path so far. */
export interface Hop {
  ttl: number;
  /** Who answered there, with how often. */
  addresses: Map<string, number>;
  sent: number;
  received: number;
  /** In milliseconds. */
  last: number;
  best: number;
  worst: number;
  sum: number;
  isDestination: boolean;
}

export class Path {
  private readonly byTtl = new Map<number, Hop>();
  /** The least distance at which the destination, or a final no, has answered. */
  private end = Infinity;

  add(sample: HopSample): void {
    const hop = this.hop(sample.ttl);
    hop.sent += 1;
    const { outcome } = sample;
    if (outcome.case !== 'hop' && outcome.case !== 'destination' && outcome.case !== 'unreachable') return;
    const rtt = Number(outcome.value.rttUs) / 1e3;
    const who = address(outcome.value.address);
    hop.received += 1;
    hop.addresses.set(who, (hop.addresses.get(who) ?? 0) + 1);
    hop.last = rtt;
    hop.best = Math.min(hop.best, rtt);
    hop.worst = Math.max(hop.worst, rtt);
    hop.sum += rtt;
    if (outcome.case !== 'hop') {
      this.end = Math.min(this.end, sample.ttl);
      hop.isDestination = outcome.case === 'destination';
    }
  }

  private hop(ttl: number): Hop {
    const known = this.byTtl.get(ttl);
    if (known) return known;
    const hop: Hop = {
      ttl, addresses: new Map(), sent: 0, received: 0, last: NaN, best: Infinity, worst: 0, sum: 0, isDestination: false,
    };
    this.byTtl.set(ttl, hop);
    return hop;
  }

  /** Gives the hops, nearest first, without what lies behind the end and without silent ones at the end. */
  hops(): Hop[] {
    const all = [...this.byTtl.values()].filter((hop) => hop.ttl <= this.end).sort((a, b) => a.ttl - b.ttl);
    let last = all.length;
    while (last > 0 && all[last - 1]?.received === 0) last -= 1;
    return all.slice(0, last);
  }
}

/** Tells of each hop whether its loss goes on behind it: else it is only that router's own limit on answers. */
export function persists(hops: readonly { sent: number; received: number }[]): boolean[] {
  const lossy = (hop: { sent: number; received: number }): boolean => hop.received < hop.sent;
  return hops.map((hop, n) => lossy(hop) && hops.slice(n + 1).every((later) => later.received === 0 || lossy(later)));
}
