import { randomBytes } from 'node:crypto';
import { readSigningSecret, signatureHeaders } from '@rollcall/shared/webhook/signature';
import { Webhook } from 'standardwebhooks';
import { describe, expect, test } from 'vitest';

const secretOf = (bytes: number) => `whsec_${randomBytes(bytes).toString('base64')}`;

describe('a signature', () => {
  test('is the one that the library makes', () => {
    const secret = secretOf(32);
    const now = new Date();
    const part = { id: 'msg_1', timestamp: Math.floor(now.getTime() / 1_000), body: '{"a":"ä ✓"}' };
    const { 'webhook-signature': ours } = signatureHeaders(part, [readSigningSecret(secret, 'x')]);
    expect(ours).toBe(new Webhook(secret).sign(part.id, now, part.body));
  });

  test('of several secrets holds for each', () => {
    const secrets = [secretOf(24), secretOf(64)];
    const part = { id: 'msg_1', timestamp: Math.floor(Date.now() / 1_000), body: '{}' };
    const headers = signatureHeaders(
      part,
      secrets.map((secret) => readSigningSecret(secret, 'x')),
    );
    for (const secret of secrets)
      expect(new Webhook(secret).verify(part.body, headers)).toEqual({});
    expect(() => new Webhook(secretOf(32)).verify(part.body, headers)).toThrow();
  });
});

describe('a secret', () => {
  test.each([
    '',
    'whsec_',
    randomBytes(32).toString('base64'),
    'whsec_not base64 at all, but long enough for one!',
    `whsec_${randomBytes(23).toString('base64')}`,
    `whsec_${randomBytes(65).toString('base64')}`,
    `whsec_${randomBytes(32).toString('hex')}!`,
    `WHSEC_${randomBytes(32).toString('base64')}`,
  ])('cannot be %j, and is in no message', (text) => {
    const attempt = () => readSigningSecret(text, 'env:HOOK_SECRET');
    expect(attempt).toThrow(
      /^The secret env:HOOK_SECRET is no webhook secret: expected whsec_ and/,
    );
    try {
      attempt();
    } catch (error) {
      if (text.length > 8) expect(JSON.stringify([error, String(error)])).not.toContain(text);
    }
  });
});
