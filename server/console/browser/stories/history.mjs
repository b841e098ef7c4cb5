// History, of a month that was made up: from the most measured destination to the calls behind a day and an hour.
import { everyWay, tabTo } from '../eyes.mjs';
import { check } from '../stage.mjs';

export default async function (stage) {
  const page = await stage.page('viewer');
  await page.getByRole('link', { name: 'History' }).click();
  const said = page.locator('p.whole');
  await said.filter({ hasText: /^Half of the round trips took [\d.]+\sms or less/ }).waitFor();
  await everyWay(page, 'History');

  // One destination, then one provider's way to it: each has an address of its own.
  const says = (text, is) => page.waitForFunction(
    ([wanted, same]) => (document.querySelector('p.whole')?.textContent === wanted) === same, [text, is],
  );
  const most = await said.textContent();
  await page.getByLabel('To the destination').selectOption('host-05.example');
  await page.waitForURL(/destination=host-05.example/);
  await says(most, false);
  const everywhere = await said.textContent();
  await page.getByLabel('From the provider').selectOption({ label: 'Provider 3 (AS64502)' });
  await page.waitForURL(/provider=64502/);
  await says(everywhere, false);
  await page.getByLabel('From the provider').selectOption('');
  await says(everywhere, true);

  // A click on a day.
  const chart = page.getByRole('img', { name: /^Round trips by day/ });
  const { width, height } = await chart.boundingBox();
  await chart.click({ position: { x: width / 2, y: height / 2 } });
  const behind = page.getByRole('region', { name: /^Calls: / });
  await behind.getByRole('table').waitFor();
  check(await behind.getByRole('heading').evaluate((heading) => heading === document.activeElement), 'the focus goes along');
  check((await behind.locator('tbody tr').count()) > 0, 'a day has calls behind it');
  await everyWay(page, 'History, a day’s calls');
  await behind.getByRole('button', { name: 'Close' }).click();
  check((await behind.count()) === 0, 'it closes');

  // By keyboard: an hour of day, and a day from the table.
  await tabTo(page, page.getByRole('button', { name: /^20:00 to 21:00: median/ }));
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'Calls: 20:00 to 21:00' }).waitFor();
  await page.getByText('Days as a table').focus();
  await page.keyboard.press('Enter');
  await tabTo(page, page.getByRole('button', { name: /^Calls of / }).first());
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: /^Calls: \w{3},? \d/ }).waitFor();

  // Rates are told the other way round, and only the listener has any.
  await page.getByLabel('To the destination').selectOption('listener');
  await page.getByRole('button', { name: 'Downloads', exact: true }).click();
  await said.filter({ hasText: /^Half of [\d,]+\stests reached [\d.]+\sMbit\/s or more/ }).waitFor();
  await page.getByRole('button', { name: /^20:00 to 21:00/ }).click();
  await behind.getByRole('link').first().click();
  await page.getByRole('heading', { level: 1, name: /^Ticket \d+$/ }).waitFor();

  // A place where nothing was measured says so.
  await page.goto(`${stage.url}/console/#/history?destination=nowhere.example&days=7`);
  await page.getByText('Nothing was measured there in the last 7 days').waitFor();
}
