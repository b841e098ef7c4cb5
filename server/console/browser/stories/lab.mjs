// A call with a caller on a bad line: everything that staff do, seen by two. It says what the page showed, as JSON, for
// the test to hold against what the network was made to do.
import { readFileSync } from 'node:fs';

import { check, need } from '../stage.mjs';

/** Reads a figure by its name from a card's head. */
async function figure(card, name) {
  return card.locator('.figures div', { hasText: name }).first().locator('dd').innerText();
}

/** Reads each step's first cell and its average time. */
async function steps(card) {
  const rows = await card.locator('tbody tr').all();
  return Promise.all(rows.map(async (row) => {
    const cells = await row.locator('td').allInnerTexts();
    const heads = await card.locator('thead th').allInnerTexts();
    return { who: cells[1].split('\n')[0], average: cells[heads.indexOf('Average')] };
  }));
}

export default async function (stage) {
  const probes = Number(need('CNC_PROBES'));
  const page = await stage.page('support');
  const { code, id } = await stage.call(page, 'a bad line');
  const viewer = await stage.page('viewer');
  await viewer.getByRole('link', { name: /a bad line/ }).click();
  stage.client(code);
  await stage.stands(page, 'system', 'completed');

  // They run side by side, over the same lossy first metres.
  await stage.push(page, 'ping', { where: 'listener', count: probes, interval: 10 });
  await stage.push(page, 'trace', { where: 'listener', rounds: 3 });
  const some = await stage.samples(page, 'ping', 5);
  await stage.samples(page, 'ping', some + 20);
  for (const each of [page, viewer]) {
    await stage.stands(each, 'ping', 'completed');
    await stage.stands(each, 'trace', 'completed');
  }
  const [ping, trace] = ['ping', 'trace'].map((kind) => stage.card(page, kind));
  const shown = async (each) => (await stage.card(each, 'ping').locator('.figures').innerText()) + (await stage.card(each, 'trace').innerText());
  check((await shown(page)) === (await shown(viewer)), 'both see the same');
  const path = await steps(trace);

  await stage.push(page, 'download', { lasting: 3 });
  await stage.samples(page, 'download', 5);
  await stage.stands(page, 'download', 'completed');
  const speed = await figure(stage.card(page, 'download'), /steady|average/);

  const test = await ping.getAttribute('data-test');
  const rtt = await figure(ping, 'typical round trip');
  const loss = await figure(ping, 'lost');
  await stage.push(page, 'ping', { count: 10_000, interval: 50 });
  await page.getByRole('button', { name: /^Stop/ }).click();
  for (const each of [page, viewer]) await stage.stands(each, 'ping', 'stopped');

  await page.getByRole('button', { name: 'End the call' }).click();
  await page.getByRole('button', { name: 'Yes, end it' }).click();
  await page.getByRole('link', { name: 'Open the report' }).click();
  await page.getByRole('heading', { name: 'Report: a bad line' }).waitFor();
  const [file] = await Promise.all([page.waitForEvent('download'), page.getByRole('link', { name: 'CSV' }).click()]);
  check(file.suggestedFilename() === `${id}.csv`, file.suggestedFilename());
  const [head, ...rows] = readFileSync(await file.path(), 'utf8').trim().split('\n').map((row) => row.split(','));
  const at = (row, name) => row[head.indexOf(name)];
  const lost = rows.filter((row) => at(row, 'test') === test && at(row, 'outcome') === 'lost').length;

  console.log(JSON.stringify({
    lost,
    loss_percent: parseFloat(loss), rtt_ms: parseFloat(rtt),
    path_rtt_ms: parseFloat(path.at(-1).average),
    hops: path.map(({ who }) => (who === 'no answer' ? null : who)),
    mbit_per_s: speed.includes('Mbit/s') ? parseFloat(speed) : NaN,
  }));
}
