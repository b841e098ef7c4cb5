// A page that was away catches up: cut off from the listener, and opened anew.
import { check } from '../stage.mjs';

export default async function (stage) {
  const wire = await stage.wire();
  const page = await stage.page('support', { url: wire.url });
  const { code } = await stage.call(page, 'now and then');
  stage.client(code);
  await stage.stands(page, 'system', 'completed');
  await stage.ping(page, { count: 500, interval: 20 });
  await stage.samples(page, 'ping', 10);
  const other = await stage.page('viewer');
  await other.goto(`${stage.url}/console/${new URL(page.url()).hash}`);

  wire.cut();
  await page.getByText('This page has lost the listener').waitFor();
  const before = Number(await stage.card(page, 'ping').getAttribute('data-samples'));
  // More than a snapshot brings along.
  await stage.samples(other, 'ping', before + 300);
  wire.mend();
  await stage.stands(page, 'ping', 'completed');
  check((await stage.samples(page, 'ping', 500)) === 500, 'nothing is missing');

  await page.reload();
  await stage.stands(page, 'ping', 'completed');
  check((await stage.samples(page, 'ping', 500)) === 500, 'nor for a page that comes later');
}
