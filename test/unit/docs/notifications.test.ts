import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { EVENT_NAMES, EVENTS } from '@rollcall/shared/notify/events';
import { EXAMPLES } from '@rollcall/shared/notify/examples';
import { readSigningSecret, signatureHeaders } from '@rollcall/shared/webhook/signature';
import { expect, it } from 'vitest';

const PAGE = readFileSync(join(import.meta.dirname, '../../../docs/notifications.md'), 'utf8');

it('the page has every event with its severity, its facts and what to do about it', () => {
  for (const event of EVENT_NAMES) {
    const { severity, action, ends } = EVENTS[event];
    const [row] = PAGE.match(new RegExp(`^\\| \`${event}\` .*$`, 'm')) ?? [];
    expect(row, event).toContain(`| ${severity} |`);
    expect(row, event).toContain(`| ${action} | ${ends ? 'yes' : 'no'} |`);
    const [, facts = '{}'] = PAGE.match(new RegExp(`^${event} +(\\{.*\\})$`, 'm')) ?? [];
    expect(JSON.parse(facts), event).toEqual(EXAMPLES[event]);
  }
});

it('its way to verify a signature takes what is signed, and nothing else', async () => {
  const [, code = ''] = /```js\n([\s\S]*?)```/.exec(PAGE) ?? [];
  const { isGenuine } = await import(`data:text/javascript,${encodeURIComponent(code)}`);
  const secrets = [1, 2].map(() => `whsec_${randomBytes(32).toString('base64')}`);
  const [fresh = '', old = ''] = secrets;
  const body = '{"a":"ü"}';
  const now = Math.floor(Date.now() / 1_000);
  const headersAt = (timestamp: number) => {
    const keys = secrets.map((secret) => readSigningSecret(secret, 'x'));
    return signatureHeaders({ id: 'notification_1', timestamp, body }, keys);
  };
  expect(isGenuine(fresh, headersAt(now), body)).toBe(true);
  expect(isGenuine(old, headersAt(now), body)).toBe(true);
  expect(isGenuine(old, headersAt(now), `${body} `)).toBe(false);
  expect(isGenuine(`whsec_${randomBytes(32).toString('base64')}`, headersAt(now), body)).toBe(
    false,
  );
  expect(isGenuine(old, headersAt(now - 301), body)).toBe(false);
  expect(isGenuine(old, { ...headersAt(now), 'webhook-timestamp': 'x' }, body)).toBe(false);
});
