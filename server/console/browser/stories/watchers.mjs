// Two watch one call and see the same; a viewer sees it too and is offered nothing that only support may do.
import { check } from '../stage.mjs';

export default async function (stage) {
  const support = await stage.page('support');
  const { code, id } = await stage.call(support, 'seen by two');
  const viewer = await stage.page('viewer');
  check((await viewer.getByRole('button', { name: 'New call' }).count()) === 0, 'a viewer makes no calls');
  await viewer.getByRole('link', { name: /seen by two/ }).click();
  await viewer.locator('[data-code]').waitFor();
  stage.client(code);
  await stage.stands(support, 'system', 'completed');
  await stage.ping(support, { count: 60 });
  for (const page of [support, viewer]) await stage.stands(page, 'ping', 'completed');
  for (const page of [support, viewer]) await stage.samples(page, 'ping', 60);
  const seen = async (page) => (await stage.card(page, 'ping').locator('dl').innerText()).trim();
  check((await seen(support)) === (await seen(viewer)), 'both see the same figures');

  for (const name of ['Run ping', 'Run the plan', 'End the call', 'Stop']) {
    check((await viewer.getByRole('button', { name }).count()) === 0, `a viewer is not offered: ${name}`);
  }
  // And who asks all the same is refused: an IssuePlan of the session, as the page would send it.
  const refused = await viewer.evaluate(async (session) => {
    const name = new TextEncoder().encode(session);
    const message = [0x0a, name.length, ...name, 0x12, 5, ...new TextEncoder().encode('quick')];
    const body = new Uint8Array([0, 0, 0, 0, message.length, ...message]);
    const headers = { 'content-type': 'application/grpc-web+proto', 'x-grpc-web': '1' };
    const answer = await fetch('/cnc.v1.Support/IssuePlan', { method: 'POST', headers, body });
    return answer.headers.get('grpc-status') ?? (await answer.text());
  }, id);
  check(/(^|grpc-status:\s*)7/.test(refused), `permission is denied: ${refused}`);
}
