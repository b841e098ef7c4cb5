// How a screen is looked at for those who see it otherwise: by axe-core, in both themes, at a phone's width, and by keyboard.
import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';

import { check } from './stage.mjs';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

async function faults(page, screen) {
  if (!(await page.evaluate(() => 'axe' in window))) await page.evaluate(`${AXE};0`);
  const { violations } = await page.evaluate(() => window.axe.run(document, { resultTypes: ['violations'] }));
  const serious = violations.filter(({ impact }) => impact === 'serious' || impact === 'critical');
  const told = serious.map(({ id, help, nodes }) => `${id}: ${help}\n  ${nodes.map((node) => `${node.html}\n  ${node.failureSummary}`).join('\n  ')}`);
  check(serious.length === 0, `${screen} has no serious fault:\n${told.join('\n')}`);
}

/** Looks at a screen in both themes and at a phone's width. */
export async function everyWay(page, screen) {
  for (const colorScheme of ['light', 'dark']) {
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
    for (const width of [1440, 390]) {
      await page.setViewportSize({ width, height: 900 });
      await faults(page, `${screen}, ${colorScheme}, ${width} wide`);
      const overflow = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
      check(overflow <= 0, `${screen} fits ${width}: ${overflow} too wide`);
    }
  }
  await page.setViewportSize({ width: 1440, height: 900 });
}

/** Presses Tab until something has the focus. */
export async function tabTo(page, locator) {
  const wanted = await locator.elementHandle();
  for (let n = 0; n < 80; n += 1) {
    if (await page.evaluate((element) => element === document.activeElement, wanted)) return;
    await page.keyboard.press('Tab');
  }
  throw new Error(`the keyboard does not lead to ${locator}`);
}
