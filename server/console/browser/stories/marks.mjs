// What happened to a call is marked on its axis, also for those who come later: the client lost and back, a test refused.
import { check } from '../stage.mjs';

export default async function (stage) {
  const wire = await stage.wire();
  const page = await stage.page('support');
  const { code } = await stage.call(page, 'now and then');
  stage.client(code, wire.url);
  await stage.stands(page, 'system', 'completed');
  const signs = (each) => each.locator('[data-sign]').evaluateAll((all) => all.map((sign) => sign.dataset.sign));

  wire.cut();
  await page.locator('.chip', { hasText: 'connection lost' }).waitFor();
  await page.locator('[data-sign="Connection lost"]').waitFor();
  wire.mend();
  await page.locator('[data-sign^="Connection back after"]').waitFor();
  await page.locator('.chip', { hasText: 'connected' }).waitFor();
  // Their home network is nobody's business, unless they permit it.
  await stage.push(page, 'ping', { where: 'host', host: '192.168.99.99' });
  await stage.stands(page, 'ping', 'refused');
  const seen = await signs(page);
  check(seen.length === 3 && /^Ping 192.168.99.99: refused/.test(seen.at(-1)), `three signs: ${seen}`);

  const viewer = await stage.page('viewer');
  await viewer.goto(`${stage.url}/console/${new URL(page.url()).hash}`);
  await viewer.locator('[data-sign^="Connection back after"]').waitFor();
  check(`${await signs(viewer)}` === `${seen}`, 'who comes later sees the same');
  await viewer.getByText('1 time, ').waitFor();

  await page.getByRole('button', { name: 'End the call' }).click();
  await page.getByRole('button', { name: 'Yes, end it' }).click();
  await page.getByText('ended by support').waitFor();
  await page.reload();
  await page.locator('[data-sign^="Connection back after"]').waitFor();
  check(`${await signs(page)}` === `${seen}`, 'and so it is when the call is over');
}
