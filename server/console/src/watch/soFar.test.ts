import { describe, expect, it } from 'vitest';

import { median } from './soFar';

describe('the median', () => {
  it('is that of nearest rank, whatever the order', () => {
    const table: [number[], number][] = [
      [[], NaN], [[7], 7], [[9, 1], 1], [[3, 1, 2], 2], [[5, 5, 5, 5], 5], [[4, 3, 2, 1], 2], [[1, 2, 3, 4, 5, 6], 3],
    ];
    for (const [values, expected] of table) expect(median(Float64Array.from(values)), `${values}`).toBe(expected);
  });

  it('is what sorting gives', () => {
    for (let n = 1; n < 400; n += 1) {
      const values = Float64Array.from({ length: n }, (_, at) => (at * 7919) % 101);
      expect(median(values.slice())).toBe(values.sort()[Math.ceil(n / 2) - 1]);
    }
  });
});
