// Nobody is kept out: axe-core finds no serious fault on any screen, and the keyboard alone is enough.
import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';

import { check } from '../stage.mjs';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

async function faults(page, screen) {
  if (!(await page.evaluate(() => 'axe' in window))) await page.evaluate(`${AXE};0`);
  const { violations } = await page.evaluate(() => window.axe.run(document, { resultTypes: ['violations'] }));
  const serious = violations.filter(({ impact }) => impact === 'serious' || impact === 'critical');
  const told = serious.map(({ id, help, nodes }) => `${id}: ${help}\n  ${nodes.map((node) => `${node.html}\n  ${node.failureSummary}`).join('\n  ')}`);
  check(serious.length === 0, `${screen} has no serious fault:\n${told.join('\n')}`);
}

/** Looks at a screen in both themes and at a phone's width. */
async function everyWay(page, screen) {
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
async function tabTo(page, locator) {
  const wanted = await locator.elementHandle();
  for (let n = 0; n < 80; n += 1) {
    if (await page.evaluate((element) => element === document.activeElement, wanted)) return;
    await page.keyboard.press('Tab');
  }
  throw new Error(`the keyboard does not lead to ${locator}`);
}

export default async function (stage) {
  const page = await stage.page();
  await everyWay(page, 'Sign in');
  await tabTo(page, page.getByLabel('Your staff token'));
  await page.keyboard.type(stage.tokens.admin);
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'Calls', exact: true }).waitFor();
  await everyWay(page, 'Calls');

  await tabTo(page, page.getByLabel('What the call is about'));
  await page.keyboard.type('by keyboard');
  await page.keyboard.press('Tab');
  await page.keyboard.type('nothing');
  await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  const code = await page.locator('[data-code]').getAttribute('data-code');
  await everyWay(page, 'Call, waiting');
  stage.client(code);
  await stage.stands(page, 'system', 'completed');
  await stage.ping(page, { count: 100 });
  await stage.stands(page, 'ping', 'completed');
  await page.locator('[data-part=kind]').selectOption('trace');
  await page.getByRole('button', { name: 'Run path' }).click();
  await page.locator('article[data-kind=trace]:not([data-standing=running])').waitFor();
  await everyWay(page, 'Call');
  await tabTo(page, page.getByRole('button', { name: 'End the call' }));
  await page.keyboard.press('Enter');
  await page.getByRole('button', { name: 'Yes, end it' }).waitFor();
  await page.keyboard.press('Enter');
  await page.getByText('ended by support').waitFor();
  await everyWay(page, 'Call, over');
  await page.getByRole('link', { name: 'Open the report' }).click();
  await page.getByRole('heading', { name: /^Report:/ }).waitFor();
  await everyWay(page, 'Report');
  await page.getByRole('link', { name: 'Status' }).click();
  await page.getByText('All is well').waitFor();
  await everyWay(page, 'Status');
}
