// Text from clients, and from staff, is text: whatever it holds is shown and does nothing.
import { check } from '../stage.mjs';

const EVIL = '"><img src=x onerror=alert(1)><script>alert(2)</script>{@html 1}';

export default async function (stage) {
  const page = await stage.page('support');
  await stage.call(page, EVIL);
  check((await page.getByRole('heading', { level: 1 }).innerText()) === EVIL, 'the label is shown as it is');
  await page.goto(`${stage.url}/console/#/`);
  await page.getByText(EVIL).waitFor();
  // A client of the harness's own has sent its machine's description and a path, full of the same.
  await page.goto(`${stage.url}/console/#/call/${process.env.CNC_SESSION}`);
  await stage.stands(page, 'system', 'completed');
  for (const text of [`${EVIL} 12`, `${EVIL} card`, `${EVIL} hop`, `${EVIL} failed`, `the proxy ${EVIL} proxy:`]) {
    await page.getByText(text, { exact: false }).first().waitFor();
  }
  check((await page.locator('main img, main script').count()) === 0, 'nothing of it became an element');
}
