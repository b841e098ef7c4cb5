// Nobody is kept out: axe-core finds no serious fault on any screen, and the keyboard alone is enough.
import { everyWay, tabTo } from '../eyes.mjs';
import { check } from '../stage.mjs';

export default async function (stage) {
  const page = await stage.page();
  await everyWay(page, 'Sign in');
  await tabTo(page, page.getByLabel('Your staff token'));
  await page.keyboard.type(stage.tokens.admin);
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'Calls', exact: true }).waitFor();
  await everyWay(page, 'Calls');
  await page.getByRole('link', { name: 'History' }).click();
  await page.getByRole('heading', { name: 'Nothing was measured in the last 30 days' }).waitFor();
  await everyWay(page, 'History, empty');
  await page.getByRole('link', { name: 'Make a call' }).click();
  await page.getByRole('heading', { name: 'Calls', exact: true }).waitFor();

  await tabTo(page, page.getByLabel('What the call is about'));
  await page.keyboard.type('by keyboard');
  await page.keyboard.press('Tab');
  await page.keyboard.type('nothing');
  await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  const code = await page.locator('[data-code]').getAttribute('data-code');
  await everyWay(page, 'Call, waiting');
  const user = await stage.page();
  await user.goto(`${stage.url}/j/${code}`);
  await everyWay(user, 'The user’s page');
  check((await user.goto(`${stage.url}/nowhere`)).status() === 404, 'nothing lies there');
  await everyWay(user, 'Nothing here');
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
