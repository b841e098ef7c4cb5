// The one time axis that all pictures of a call share: a spike in one is seen in the others.

/** What is shown: all, or the last so many seconds. */
export type Span = 'all' | number;

export class TimeAxis {
  span = $state<Span>('all');
  /** What somebody has dragged over. */
  private picked = $state.raw<[number, number] | undefined>();
  private from = $state(0);
  private to = $state(1);

  /** What is shown, in seconds since 1970. */
  range = $derived.by<[number, number]>(() => {
    if (this.picked) return this.picked;
    if (this.span === 'all') return [this.from, this.to];
    return [Math.max(this.from, this.to - this.span), this.to];
  });
  isPicked = $derived(this.picked !== undefined);

  /** Sets what there is to show. The end moves on by whole seconds, so that pictures need not be drawn without cause. */
  set(from: number, to: number): void {
    const end = Math.max(Math.ceil(to), Math.floor(from) + 10);
    if (this.from !== Math.floor(from)) this.from = Math.floor(from);
    if (this.to !== end) this.to = end;
  }

  show(span: Span): void {
    this.span = span;
    this.picked = undefined;
  }

  pick(from: number, to: number): void {
    if (to - from >= 0.05) this.picked = [from, to];
  }

  reset(): void {
    this.picked = undefined;
  }
}
