import { describe, expect, it } from 'vitest';

import { thin, ticks } from './thin';

describe('thinning out', () => {
  it('keeps every spike of an hour at ten a second', () => {
    const at = Float64Array.from({ length: 36_000 }, (_, n) => n / 10);
    const value = at.map((_, n) => (n === 20_001 ? 900 : n === 31_313 ? 1 : 10));
    const { x, y } = thin(at, value, 0, [0, 3600], 800);
    expect(x.length).toBeLessThanOrEqual(1600);
    expect(Math.max(...y.map((each) => each ?? 0))).toBe(900);
    expect(Math.min(...y.map((each) => each ?? Infinity))).toBe(1);
    expect(x.every((each, n) => n === 0 || each >= (x[n - 1] ?? 0))).toBe(true);
  });

  it('gives few samples as they are, in order of time, with gaps where replies are missing', () => {
    const at = Float64Array.from([0, 2, 3, 1]);
    const value = Float64Array.from([5, 7, 8, NaN]);
    const { x, y } = thin(at, value, 100, [100, 103], 30);
    expect(y).toEqual([5, null, 7, 8]);
    expect(x.map(Math.round)).toEqual([100, 101, 102, 103]);
  });

  it('leads the line in and out of what is seen', () => {
    const at = Float64Array.from([0, 1, 2, 3, 4, 5]);
    expect(thin(at, at, 0, [1.5, 3.5], 100).x).toEqual([1, 2, 3, 4]);
  });

  it('shows nothing where nothing is', () => {
    expect(thin(new Float64Array(), new Float64Array(), 0, [0, 1], 100)).toEqual({ x: [], y: [] });
  });

  it('gives each pixel one tick', () => {
    const at = Float64Array.from({ length: 1000 }, (_, n) => n / 100);
    expect(ticks(at, 0, [0, 10], 50, (row) => row % 2 === 0).length).toBe(50);
  });
});
