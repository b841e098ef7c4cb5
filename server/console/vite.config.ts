// How the page is built: into built/site, each file beside its gzip. For development: a server that passes calls on to
// the listener at CNC_LISTENER.
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { constants, gzipSync } from 'node:zlib';

import { svelte } from '@sveltejs/vite-plugin-svelte';
import type { Plugin } from 'vite';
import { defineConfig } from 'vitest/config';

const SITE = 'built/site';

/** Compresses once, so that the listener never has to. */
function packed(): Plugin {
  return {
    name: 'packed',
    apply: 'build',
    closeBundle() {
      for (const name of readdirSync(SITE, { recursive: true, encoding: 'utf8' })) {
        const file = join(SITE, name);
        if (!statSync(file).isFile()) continue;
        const plain = readFileSync(file);
        const gzip = gzipSync(plain, { level: constants.Z_BEST_COMPRESSION });
        if (gzip.length < plain.length) writeFileSync(`${file}.gz`, gzip);
      }
    },
  };
}

const listener = process.env['CNC_LISTENER'] ?? 'http://127.0.0.1:7443';

export default defineConfig({
  base: '/console/',
  plugins: [svelte(), packed()],
  build: {
    outDir: SITE,
    target: 'es2022',
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  server: {
    // The browser's own origin and host are kept: the listener holds one against the other.
    proxy: { '^/(cnc\\.|login|logout|sessions|j/|page.css|r/)': { target: listener, changeOrigin: false } },
  },
  test: { include: ['src/**/*.test.ts'] },
});
