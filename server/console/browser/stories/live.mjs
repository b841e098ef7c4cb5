// How soon a real client's samples are seen. It says what it measured, as JSON.
import { watch } from '../gauge.mjs';
import { need } from '../stage.mjs';

export default async function (stage) {
  const page = await stage.page('support');
  const { code, id } = await stage.call(page, 'measured');
  stage.client(code);
  await stage.stands(page, 'system', 'completed');
  await stage.ping(page, { count: 10_000, interval: 100 });
  await stage.samples(page, 'ping', 10);
  const card = stage.card(page, 'ping');
  const live = await watch(stage, page, card, Number(need('CNC_MORE')));
  console.log(JSON.stringify({ session: id, test: Number(await card.getAttribute('data-test')), ...live }));
}
