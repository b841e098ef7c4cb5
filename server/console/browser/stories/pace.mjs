// A page that holds a long call keeps pace with it: what was measured before it came is there, what is measured now is
// seen at once, and it stays small. It says what it measured, as JSON.
import { bytes, watch } from '../gauge.mjs';
import { need } from '../stage.mjs';

export default async function (stage) {
  let count = () => 0;
  const page = await stage.page('viewer', { begin: async (empty) => { count = await bytes(empty); } });
  await page.getByRole('link', { name: /a test/ }).waitFor();
  const transferred = count();
  await page.goto(`${stage.url}/console/#/call/${need('CNC_SESSION')}`);
  await stage.samples(page, 'ping', Number(need('CNC_HELD')));
  const held = count() - transferred;
  const live = await watch(stage, page, stage.card(page, 'ping'), Number(need('CNC_MORE')));
  console.log(JSON.stringify({ transferred, held, ...live }));
}
