// What every story in the browser is given: pages of a real browser on a real listener, and real clients.
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { chromium } from 'playwright-core';

const FLAGS = ['--no-sandbox', '--disable-gpu', '--no-proxy-server', '--disable-background-networking', '--disable-component-update'];
/** How long anything that a story waits for may take, in milliseconds, on a machine that compiles meanwhile. */
const PATIENCE = 60_000;

export class Stage {
  url = process.env.CNC_URL_FOR_PAGES ?? need('CNC_URL');
  tokens = { admin: need('CNC_ADMIN'), support: need('CNC_SUPPORT'), viewer: need('CNC_VIEWER') };
  /** What pages complained about: a story that ends with something here has failed. */
  complaints = [];
  clients = [];
  closing = [];
  home = mkdtempSync(join(tmpdir(), 'cnc-story-'));

  static async open() {
    const stage = new Stage();
    stage.browser = await chromium.launch({ executablePath: need('CNC_CHROMIUM'), args: FLAGS });
    return stage;
  }

  async close() {
    for (const client of this.clients) client.kill('SIGKILL');
    await this.browser.close();
    for (const close of this.closing) close();
    rmSync(this.home, { recursive: true, force: true });
  }

  /** Opens a page in a browser of its own, signed in with a role's token or not at all; `begin` is given it empty. */
  async page(role, { url = this.url, begin = async () => undefined, ...options } = {}) {
    const context = await this.browser.newContext({ viewport: { width: 1440, height: 900 }, reducedMotion: 'reduce', ...options });
    const page = await context.newPage();
    page.setDefaultTimeout(PATIENCE);
    page.on('pageerror', (error) => this.complaints.push(`${error.stack ?? error}`));
    page.on('dialog', (dialog) => this.complaints.push(`a dialog: ${dialog.message()}`));
    page.on('console', (message) => {
      if (message.type() === 'error' && !/ERR_|401|Failed to load/.test(message.text())) this.complaints.push(message.text());
    });
    await begin(page);
    const token = role ? `#token=${this.tokens[role]}` : '';
    await page.goto(`${url}/console/${token}`);
    if (role) await page.getByRole('heading', { name: 'Calls', exact: true }).waitFor();
    return page;
  }

  /** Stands between pages and the listener, to cut the wire between them. */
  async wire() {
    const { hostname, port } = new URL(this.url);
    const open = new Set();
    let isCut = false;
    const server = createServer((near) => {
      near.on('error', () => near.destroy());
      if (isCut) return void near.destroy();
      const far = connect(Number(port), hostname);
      far.on('error', () => near.destroy());
      for (const side of [near, far]) {
        open.add(side);
        side.on('close', () => { near.destroy(); far.destroy(); open.delete(side); });
      }
      near.pipe(far).pipe(near);
    });
    await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
    this.closing.push(() => server.close());
    return {
      url: `http://127.0.0.1:${server.address().port}`,
      cut: () => { isCut = true; for (const side of open) side.destroy(); },
      mend: () => { isCut = false; },
    };
  }

  /** Makes a call on the Calls screen; gives its code and id. */
  async call(page, label, plan = 'nothing') {
    await page.getByLabel('What the call is about').fill(label);
    await page.getByLabel('What is measured first').selectOption(plan);
    await page.getByRole('button', { name: 'New call' }).click();
    const code = await page.locator('[data-code]').getAttribute('data-code');
    return { code, id: new URL(page.url()).hash.split('/').at(-1) };
  }

  /** Starts a real client that agrees to everything. */
  client(code, url = process.env.CNC_URL_FOR_CLIENTS ?? this.url) {
    const [program, ...words] = JSON.parse(need('CNC_CLIENT'));
    const places = ['HOME', 'XDG_STATE_HOME', 'XDG_CONFIG_HOME', 'XDG_DATA_HOME', 'XDG_CACHE_HOME'];
    const env = { ...process.env, ...Object.fromEntries(places.map((place) => [place, mkdtempSync(join(this.home, 'home-'))])) };
    const args = ['--allow-loopback', '--listener', url, '--code', code, '--yes'];
    const client = spawn(program, [...words, ...args], { env, stdio: ['ignore', 'ignore', 'ignore'] });
    this.clients.push(client);
    return client;
  }

  /** Pushes a test; each setting goes into the field of its name. */
  async push(page, kind, settings = {}) {
    await page.locator('[data-part=kind]').selectOption(kind);
    for (const [name, value] of Object.entries(settings)) {
      const field = page.locator(`[data-part=${name}]`);
      if (!(await field.isVisible())) await page.getByText('Settings', { exact: true }).click();
      if (await field.evaluate((element) => element instanceof HTMLSelectElement)) await field.selectOption(String(value));
      else await field.fill(String(value));
    }
    await page.locator('[data-part=run]').click();
  }

  /** Pushes a ping by TCP to this machine, which needs no privilege: a closed port answers. */
  async ping(page, { count = 10_000, interval = 20, to = '127.0.0.1', port = 9 } = {}) {
    await this.push(page, 'ping', { where: 'host', host: to, count, interval, protocol: 'tcp', port });
  }

  /** Gives the card of the last test of a kind. */
  card(page, kind) {
    return page.locator(`article[data-kind=${kind}]`).last();
  }

  /** Waits until a card's test stands so. */
  async stands(page, kind, standing) {
    await page.locator(`article[data-kind=${kind}][data-standing=${standing}]`).last().waitFor();
  }

  /** Waits until the card of the last test of a kind shows at least so many samples; gives how many. */
  async samples(page, kind, least) {
    const last = ([kind, count]) => {
      const held = Number([...document.querySelectorAll(`article[data-kind=${kind}]`)].at(-1)?.dataset.samples ?? -1);
      return held >= count && held;
    };
    return (await page.waitForFunction(last, [kind, least])).jsonValue();
  }
}

export function check(is, what) {
  if (!is) throw new Error(`not so: ${what}`);
}

export function need(name) {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set: the stories are run by the integration tests`);
  return value;
}
