// A call from sign-in to report: the code, the client, samples that move, tests pushed and stopped, the end.
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
  const [report] = await Promise.all([
    page.context().waitForEvent('page'), page.getByRole('link', { name: 'Open the report' }).click(),
  ]);
  await report.getByRole('heading', { level: 1 }).waitFor();
  check(report.url() === `${stage.url}/sessions/${id}/report`, report.url());

  await page.goto(`${stage.url}/console/#/`);
  await page.getByLabel('Search earlier calls').fill('4711');
  await page.getByRole('link', { name: 'Ms Miller, ticket 4711' }).first().click();
  await stage.stands(page, 'ping', 'stopped');
  check((await stage.samples(page, 'ping', some + 20)) > 0, 'an earlier call still has its samples');
}
