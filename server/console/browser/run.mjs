// Runs one story by its name; fails when the story does, or when a page complained.
import { check, Stage } from './stage.mjs';

const name = process.argv[2] ?? '';
const { default: story } = await import(`./stories/${name}.mjs`);
const stage = await Stage.open();
try {
  await story(stage);
  check(stage.complaints.length === 0, `no page complains: ${stage.complaints.join('\n')}`);
} catch (error) {
  const pages = stage.browser.contexts().flatMap((context) => context.pages());
  for (const page of pages) console.error(`--- ${page.url()}\n${await page.locator('body').innerText().catch(() => 'gone')}`);
  console.error(error, stage.complaints);
  process.exitCode = 1;
} finally {
  await stage.close();
}
