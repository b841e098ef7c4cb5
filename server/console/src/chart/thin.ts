// Thins out columns for a picture: of each pixel's samples the least and the greatest, so that no spike is lost.
// It needs no order of time: a lost probe is known later than the replies that came after it.

/** What a picture is drawn from: times in order, and a value or a gap for each. */
export interface Thinned {
  x: number[];
  y: (number | null)[];
}

export function thin(
  at: Float64Array, value: Float64Array, base: number, [min, max]: readonly [number, number], pixels: number,
): Thinned {
  const buckets = Math.max(1, Math.floor(pixels));
  const scale = buckets / (max - min);
  const low = new Float64Array(buckets).fill(NaN);
  const high = new Float64Array(buckets).fill(NaN);
  const lowAt = new Float64Array(buckets);
  const highAt = new Float64Array(buckets);
  const gap = new Uint8Array(buckets);
  // One before and one after what is seen, so that the line leads in and out.
  let before = -Infinity;
  let after = Infinity;
  let [beforeY, afterY] = [NaN, NaN];
  for (let n = 0; n < at.length; n += 1) {
    const x = base + (at[n] ?? NaN);
    const y = value[n] ?? NaN;
    if (x < min) {
      if (x > before) [before, beforeY] = [x, y];
      continue;
    }
    if (x > max) {
      if (x < after) [after, afterY] = [x, y];
      continue;
    }
    const bucket = Math.min(buckets - 1, Math.floor((x - min) * scale));
    if (Number.isNaN(y)) {
      gap[bucket] = 1;
      continue;
    }
    if (!(y >= (low[bucket] ?? NaN))) {
      low[bucket] = y;
      lowAt[bucket] = x;
    }
    if (!(y <= (high[bucket] ?? NaN))) {
      high[bucket] = y;
      highAt[bucket] = x;
    }
  }
  const out: Thinned = { x: [], y: [] };
  const put = (x: number, y: number | null): void => {
    out.x.push(x);
    out.y.push(y);
  };
  if (before > -Infinity && !Number.isNaN(beforeY)) put(before, beforeY);
  for (let bucket = 0; bucket < buckets; bucket += 1) {
    const [lo, hi] = [low[bucket] ?? NaN, high[bucket] ?? NaN];
    if (Number.isNaN(lo)) {
      if (gap[bucket]) put(min + (bucket + 0.5) / scale, null);
      continue;
    }
    const [loAt, hiAt] = [lowAt[bucket] ?? 0, highAt[bucket] ?? 0];
    if (loAt === hiAt) put(loAt, lo);
    else if (loAt < hiAt) (put(loAt, lo), put(hiAt, hi));
    else (put(hiAt, hi), put(loAt, lo));
  }
  if (after < Infinity && !Number.isNaN(afterY)) put(after, afterY);
  return out;
}

/** Gives the times of those samples that a test holds for, at most one for each pixel. */
export function ticks(
  at: Float64Array, base: number, [min, max]: readonly [number, number], pixels: number, holds: (row: number) => boolean,
): number[] {
  const seen = new Map<number, number>();
  for (let n = 0; n < at.length; n += 1) {
    const x = base + (at[n] ?? NaN);
    if (x < min || x > max || !holds(n)) continue;
    const pixel = Math.floor(((x - min) / (max - min)) * pixels);
    if (!seen.has(pixel)) seen.set(pixel, x);
  }
  return [...seen.values()];
}
