// Follows a call: keeps the stream up, brings events to the fold at once, and has the screen drawn once a frame.
import { Code, ConnectError } from '@connectrpc/connect';

import { isGone, support, why } from '../api/client';
import { session } from '../api/who.svelte';
import type { SessionOverview } from '../gen/cnc/v1/session_pb';
import { isOver } from '../words/sessions';
import { type Away, Fold, type TestState } from './fold';

/** How long it waits before it asks again after a broken stream, in milliseconds; then twice that, up to the second. */
const AGAIN_AFTER = 250;
const AGAIN_AT_MOST = 5_000;
/** Figures in words change this often at most: faster than anybody reads, and slow enough to be read. */
const WORDS_EVERY = 250;
/** Samples that are read from the record at once: so many are read out of a message in a fraction of a frame. */
const PAGE = 2_000;

/** A test on the screen: the same object for as long as the call is followed. */
export class Shown {
  /** Changes with each frame in which samples came. */
  drawn = $state(0);
  /** Changes a few times a second at most, when samples came. */
  worded = $state(0);
  constructor(readonly test: TestState) {}
}

export class Following {
  readonly fold = new Fold();
  /** The tests in the order of issue. */
  tests = $state.raw<Shown[]>([]);
  overview = $state.raw<SessionOverview | undefined>();
  /** When the client was away. */
  away = $state.raw<readonly Away[]>([]);
  /** Whether the stream is up. */
  isUp = $state(false);
  /** Why it cannot be followed, for good. */
  problem = $state('');
  /** How often all was told anew. */
  snapshots = $state(0);

  private readonly stop = new AbortController();
  private readonly dirty = new Set<number>();
  private readonly unworded = new Set<number>();
  private frame = 0;
  private timer = 0;
  private wordedAt = 0;
  private readonly filling = new Set<number>();

  constructor(readonly id: string) {
    void this.run();
  }

  close(): void {
    this.stop.abort();
    cancelAnimationFrame(this.frame);
    clearTimeout(this.timer);
  }

  private async run(): Promise<void> {
    let wait = AGAIN_AFTER;
    while (!this.stop.signal.aborted) {
      try {
        for await (const event of support.watchSession({ session: this.id }, { signal: this.stop.signal })) {
          wait = AGAIN_AFTER;
          this.isUp = true;
          for (const test of this.fold.apply(event, session.now())) this.dirty.add(test);
          const kind = event.event.case;
          if (kind === 'snapshot' || kind === 'test') void this.fill();
          if (kind === 'snapshot') for (const id of this.fold.tests.keys()) this.dirty.add(id);
          this.wish();
        }
        if (this.fold.overview && isOver(this.fold.overview)) return;
      } catch (error) {
        if (this.stop.signal.aborted || session.lost(error)) return;
        if (isGone(error) || ConnectError.from(error).code === Code.InvalidArgument) {
          this.problem = why(error);
          return;
        }
      }
      this.isUp = false;
      await this.pause(wait);
      wait = Math.min(wait * 2, AGAIN_AT_MOST);
    }
  }

  private pause(wait: number): Promise<void> {
    return new Promise((resolve) => {
      this.stop.signal.addEventListener('abort', () => resolve(), { once: true });
      setTimeout(resolve, wait);
    });
  }

  /** Reads from the record what was missed. */
  private async fill(): Promise<void> {
    for (const { test, after, before } of this.fold.missing()) {
      if (this.filling.has(test)) continue;
      this.filling.add(test);
      try {
        let last = after;
        for (let more = true; more && last < before; ) {
          const page = await support.listSamples(
            { session: this.id, test, afterSequence: last, limit: PAGE },
            { signal: this.stop.signal },
          );
          for (const touched of this.fold.fill(page.samples)) this.dirty.add(touched);
          last = page.samples.at(-1)?.sequence ?? before;
          more = page.more;
          this.wish();
        }
      } catch (error) {
        if (session.lost(error)) return;
        // What is missing is asked for again with the next snapshot.
      } finally {
        this.filling.delete(test);
      }
    }
  }

  /** Has the next frame show what has come until then. A page that nobody sees gets no frames, and needs none. */
  private wish(): void {
    if (this.frame === 0) this.frame = requestAnimationFrame(() => this.show());
  }

  private show(): void {
    this.frame = 0;
    this.snapshots = this.fold.snapshots;
    if (this.overview !== this.fold.overview) this.overview = this.fold.overview;
    if (this.away !== this.fold.away) this.away = this.fold.away;
    const ids = [...this.fold.tests.keys()].sort((a, b) => a - b);
    if (ids.length !== this.tests.length || ids.some((id, n) => this.tests[n]?.test !== this.fold.tests.get(id))) {
      const known = new Map(this.tests.map((shown) => [shown.test, shown]));
      this.tests = ids.flatMap((id) => {
        const test = this.fold.tests.get(id);
        return test ? [known.get(test) ?? new Shown(test)] : [];
      });
    }
    for (const shown of this.tests) {
      if (!this.dirty.has(shown.test.record.id)) continue;
      shown.drawn += 1;
      this.unworded.add(shown.test.record.id);
    }
    this.dirty.clear();
    if (this.timer === 0) this.timer = window.setTimeout(() => this.word(), this.wordedAt + WORDS_EVERY - performance.now());
  }

  private word(): void {
    for (const shown of this.tests) {
      if (!this.unworded.has(shown.test.record.id)) continue;
      shown.worded += 1;
    }
    this.unworded.clear();
    this.timer = 0;
    this.wordedAt = performance.now();
  }
}
