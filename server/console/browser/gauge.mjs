// Measures a page: how many bytes it took, how long frames last, and when which samples are seen.

/** The page's own marks, and each frame's way through the browser. */
const CATEGORIES = ['blink.user_timing', 'devtools.timeline.frame', 'disabled-by-default-devtools.timeline.frame'];
const MARK = 'cnc ';
/** A frame's steps behind the script that draws: handed over, taken up, put together, on the screen. */
const STEPS = ['Commit', 'ActivateLayerTree', 'EndActivateToSubmitCompositorFrame', 'SubmitCompositorFrameToPresentationCompositorFrame'];

/** Counts the bytes that come over the network from now on, heads included. */
export async function bytes(page) {
  const network = await page.context().newCDPSession(page);
  let sum = 0;
  network.on('Network.loadingFinished', ({ encodedDataLength }) => { sum += encodedDataLength; });
  await network.send('Network.enable');
  return () => sum;
}

/**
 * Watches a card until it shows so many more samples. Gives the frames' times in milliseconds, and for each number of
 * samples that was shown when the frame with it went to the screen, in milliseconds since 1970.
 */
export async function watch(stage, page, card, more) {
  const element = await card.elementHandle();
  await stage.browser.startTracing(page, { categories: CATEGORIES });
  const { frames, marks } = await page.evaluate(observe, [element, more, MARK]);
  const { traceEvents } = JSON.parse((await stage.browser.stopTracing()).toString());
  return { frames, shown: shown(traceEvents, marks) };
}

/** Runs in the page. */
function observe([element, more, prefix]) {
  return new Promise((resolve) => {
    const frames = [];
    const marks = [];
    let last = 0;
    const held = () => Number(element.dataset.samples);
    const until = held() + more;
    // Told in the frame in which the page draws, before it is painted.
    const observer = new MutationObserver(() => {
      const { startTime } = performance.mark(prefix + held());
      marks.push([held(), performance.timeOrigin + startTime]);
      if (held() >= until) observer.disconnect();
    });
    observer.observe(element, { attributeFilter: ['data-samples'] });
    const frame = (now) => {
      if (last > 0) frames.push(now - last);
      last = now;
      // The frame with the last mark must have come to the screen, too.
      const isOver = held() >= until && marks.at(-1)[1] < performance.timeOrigin + now - 250;
      if (isOver) resolve({ frames, marks });
      else requestAnimationFrame(frame);
    };
    requestAnimationFrame(frame);
  });
}

/** Finds when each mark's frame came to the screen. */
function shown(events, marks) {
  const ended = new Map(STEPS.map((step) => [step, []]));
  // A step with a length is over at its second event.
  for (const { name, ph, ts } of events) if (ph !== 'b' && ph !== 'B') ended.get(name)?.push(ts);
  for (const times of ended.values()) times.sort((a, b) => a - b);
  const at = new Map(events.filter(({ name }) => name.startsWith(MARK)).map(({ name, ts }) => [Number(name.slice(MARK.length)), ts]));
  return marks.flatMap(([held, unixMs]) => {
    const marked = at.get(held);
    const seen = STEPS.reduce((after, step) => after && ended.get(step).find((ts) => ts >= after), marked);
    return seen ? [[held, unixMs + (seen - marked) / 1000]] : [];
  });
}
