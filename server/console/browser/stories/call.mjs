// A call from sign-in to report: the code, the client, samples that move, tests pushed and stopped, the end.
import { readFileSync } from 'node:fs';

import { check } from '../stage.mjs';

export default async function (stage) {
  const page = await stage.page();
  await page.getByLabel('Your staff token').fill('wrong');
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('alert').getByText('This token is unknown').waitFor();
  await page.getByLabel('Your staff token').fill(stage.tokens.support);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('heading', { name: 'Calls', exact: true }).waitFor();

  const { code, id } = await stage.call(page, 'Ms Miller, ticket 4711');
  check(/^[0-9A-Z]{4}-[0-9A-Z]{4}$/.test(code), `${code} is a code`);
  await page.getByRole('link', { name: `/j/${code}` }).waitFor();
  stage.client(code);
  await stage.stands(page, 'system', 'completed');
  await page.locator('.chip', { hasText: 'connected' }).waitFor();

  await page.getByLabel('A note').fill('slow since Monday');
  await page.getByRole('button', { name: 'Add' }).click();
  await page.locator('li', { hasText: 'slow since Monday' }).waitFor();

  await stage.ping(page);
  const some = await stage.samples(page, 'ping', 5);
  await stage.samples(page, 'ping', some + 20);
  await page.locator('[data-part=kind]').selectOption('trace');
  await page.getByRole('button', { name: 'Run path' }).click();
  await page.locator('[data-part=kind]').selectOption('download');
  await page.locator('[data-part=lasting]').fill('1');
  await page.getByRole('button', { name: 'Run download' }).click();
  await stage.samples(page, 'download', 3);
  await stage.stands(page, 'download', 'completed');
  check(await stage.card(page, 'download').getByText(/bit\/s/).first().isVisible(), 'the download has a figure');

  await stage.card(page, 'ping').getByRole('button', { name: 'Stop' }).click();
  await stage.stands(page, 'ping', 'stopped');
  await page.locator('article[data-kind=trace]:not([data-standing=running])').waitFor();

  await page.getByRole('button', { name: 'End the call' }).click();
  await page.getByRole('button', { name: 'Yes, end it' }).click();
  await page.getByText('ended by support').waitFor();
  await page.getByRole('link', { name: 'Open the report' }).click();
  await page.getByRole('heading', { name: 'Report: Ms Miller, ticket 4711' }).waitFor();
  const [report] = await Promise.all([
    page.context().waitForEvent('page'), page.getByRole('link', { name: 'Open as a page' }).click(),
  ]);
  await report.getByRole('heading', { level: 1 }).waitFor();
  check(report.url() === `${stage.url}/sessions/${id}/report`, report.url());
  const [file] = await Promise.all([page.waitForEvent('download'), page.getByRole('link', { name: 'CSV' }).click()]);
  check(file.suggestedFilename() === `${id}.csv`, file.suggestedFilename());
  const rows = readFileSync(await file.path(), 'utf8').trim().split('\n');
  check(rows.length > some + 20 && rows[0].startsWith('sequence,test,kind'), `${rows.length} rows`);

  // A link for somebody else, and none.
  await page.getByRole('button', { name: 'Make a link' }).click();
  const link = await page.locator('code.link').innerText();
  const anybody = await stage.page();
  check((await anybody.goto(link)).status() === 200, 'the link opens the report');
  await page.getByRole('button', { name: 'Stop sharing' }).click();
  await page.getByRole('button', { name: 'Make a link' }).waitFor();
  check((await anybody.goto(link)).status() === 404, 'and not any more');

  await page.goto(`${stage.url}/console/#/`);
  await page.getByLabel('Search earlier calls').fill('4711');
  await page.getByRole('link', { name: 'Ms Miller, ticket 4711' }).first().click();
  await stage.stands(page, 'ping', 'stopped');
  check((await stage.samples(page, 'ping', some + 20)) > 0, 'an earlier call still has its samples');
}
