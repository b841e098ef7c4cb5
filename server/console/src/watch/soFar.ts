// The figures of a test that still runs, from the samples so far. The record's figures replace them at its end.
import { count, ms, NOT_MEASURED, percent, rate } from '../words/numbers';
import type { Headline } from '../words/summary';
import { Fate } from './columns';
import type { TestState } from './fold';

/** Gives the 50th percentile, nearest rank; NaN of nothing. It puts the values into another order. */
export function median(values: Float64Array): number {
  const rank = Math.max(0, Math.ceil(values.length / 2) - 1);
  let [low, high] = [0, values.length - 1];
  // Only the part with the wanted rank is looked at further: it takes a tenth of a sort.
  while (low < high) {
    const pivot = values[(low + high) >>> 1] ?? NaN;
    let [left, right] = [low, high];
    while (left <= right) {
      while ((values[left] ?? NaN) < pivot) left += 1;
      while ((values[right] ?? NaN) > pivot) right -= 1;
      if (left > right) break;
      [values[left], values[right]] = [values[right] ?? NaN, values[left] ?? NaN];
      left += 1;
      right -= 1;
    }
    if (rank <= right) high = right;
    else if (rank >= left) low = left;
    else break;
  }
  return values[rank] ?? NaN;
}

export function soFar(test: TestState): Headline[] {
  if (test.ping) return pingSoFar(test.ping.column('rtt'), test.ping.column('fate'));
  if (test.load) {
    const bps = test.load.column('bps');
    const recent = bps.subarray(Math.max(0, bps.length - 10));
    const now = recent.reduce((sum, each) => sum + each, 0) / Math.max(1, recent.length);
    const rtt = test.load.column('rtt').findLast((each) => !Number.isNaN(each));
    return [
      { figure: rate(now), name: 'in the last second' },
      ...(rtt === undefined ? [] : [{ figure: ms(rtt), name: 'round trip while busy' }]),
    ];
  }
  if (test.hops) {
    const hops = test.path.hops();
    const last = hops.at(-1);
    return last
      ? [
          { figure: count(last.ttl), name: last.isDestination ? 'steps to get there' : 'steps so far' },
          { figure: Number.isNaN(last.last) ? NOT_MEASURED : ms(last.last), name: 'to the last step' },
        ]
      : [];
  }
  return [];
}

function pingSoFar(rtt: Float64Array, fate: Float64Array): Headline[] {
  let [sent, lost, latest] = [0, 0, NaN];
  const replies = new Float64Array(rtt.length);
  let got = 0;
  for (let n = 0; n < rtt.length; n += 1) {
    if (fate[n] === Fate.reply) {
      latest = rtt[n] ?? NaN;
      replies[got] = latest;
      got += 1;
      sent += 1;
    } else if (fate[n] === Fate.lost || fate[n] === Fate.unreachable) {
      lost += 1;
      sent += 1;
    }
  }
  const typical = median(replies.subarray(0, got));
  return [
    { figure: Number.isNaN(latest) ? 'no reply' : ms(latest), name: 'latest round trip' },
    ...(Number.isNaN(typical) ? [] : [{ figure: ms(typical), name: 'typical' }]),
    { figure: sent === 0 ? NOT_MEASURED : percent(lost / sent), name: `lost of ${count(sent)}` },
  ];
}
