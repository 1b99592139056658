import type { SecondQuestion } from '@rollcall/jit-auth/saml/second-verifier';
import { SecondVerifierThreads } from '@rollcall/jit-auth/saml/second-verifier-threads';
import { codeOf } from '@rollcall/shared/core/errors';
import { createLog } from '@rollcall/shared/telemetry/log';
import { afterEach, expect, it } from 'vitest';

const before = process.env.NODE_OPTIONS;
afterEach(() => {
  if (before === undefined) delete process.env.NODE_OPTIONS;
  else process.env.NODE_OPTIONS = before;
});

/** As where no more threads may be made, or a host changes NODE_OPTIONS for its children. */
it('a thread that cannot be replaced fails the sign-ins that wait for it, and not the process', async () => {
  const hang = `import { parentPort } from 'node:worker_threads';
    parentPort.on('message', () => { for (;;); });`;
  const second = new SecondVerifierThreads({
    threads: 1,
    budgetMs: 300,
    log: createLog('silent'),
    program: new URL(`data:text/javascript,${encodeURIComponent(hang)}`),
  });
  const ask = async (): Promise<string> => {
    const place = second.reserve();
    const answer = place.ask({} as SecondQuestion).then(() => 'answered', codeOf);
    return answer.finally(() => place.release());
  };
  const asked = [ask(), ask(), ask()];
  process.env.NODE_OPTIONS = '--nonsense';
  expect(await Promise.all(asked)).toEqual(Array(3).fill('saml.verifier_failed'));
  expect(await ask()).toBe('saml.verifier_failed');
  await second.close();
}, 5_000);
