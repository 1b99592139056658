import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { openSecondOpinion } from '@rollcall/jit-auth/saml/open-second-opinion';
import type { Place, SecondOpinion } from '@rollcall/jit-auth/saml/second-opinion';
import { ON_THIS_THREAD } from '@rollcall/jit-auth/saml/second-opinion';
import type { SecondQuestion } from '@rollcall/jit-auth/saml/second-verifier';
import {
  SecondVerifierThreads,
  type ThreadOptions,
} from '@rollcall/jit-auth/saml/second-verifier-threads';
import { verifyResponse } from '@rollcall/jit-auth/saml/verify';
import { toEpochMs } from '@rollcall/shared/core/time';
import { createLog } from '@rollcall/shared/telemetry/log';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { OAEP_SHA256, sealAnswer } from '../../fixtures/saml/encrypt-xml.ts';
import { mapReplayMemory } from '../../fixtures/saml/map-replay-memory.ts';
import { writeResponse } from '../../fixtures/saml/response-xml.ts';
import {
  ownDecryptionKeys,
  sendBrowser,
  testConnection,
  testIdp,
  toForm,
  type WaitingBrowser,
} from '../../fixtures/saml/sign-in.ts';
import { signXml } from '../../fixtures/saml/sign-xml.ts';
import { makeTestKey, type TestKey } from '../../fixtures/saml/signing-key.ts';

let key: TestKey;
beforeAll(async () => {
  key = await makeTestKey();
});

const opened: SecondOpinion[] = [];
afterEach(async () => {
  for (const one of opened.splice(0)) await one.close();
});

function open(more: Partial<ThreadOptions> = {}): SecondVerifierThreads {
  const second = new SecondVerifierThreads({ threads: 1, log: createLog('silent'), ...more });
  opened.push(second);
  return second;
}

/** A thread whose program is this text: what a broken or taken-over one would do. */
function program(onMessage: string): URL {
  const text = `import { parentPort } from 'node:worker_threads';
    let asked = 0;
    const say = (message) => parentPort.postMessage(message);
    parentPort.on('message', (question) => { asked++; ${onMessage} });`;
  return new URL(`data:text/javascript,${encodeURIComponent(text)}`);
}

async function waiting(): Promise<WaitingBrowser> {
  return sendBrowser(testConnection(testIdp(key)), mapReplayMemory());
}

function signedAnswer(browser: WaitingBrowser, nameId = 'ada'): string {
  return signXml(writeResponse({ ...browser.answer, nameId }), 'assertion', { key });
}

function post(browser: WaitingBrowser, xml: string, second: SecondOpinion) {
  const { connection, memory, cookie, relayState } = browser;
  return verifyResponse(
    { form: toForm(xml, relayState), browser: cookie },
    { connection, memory, second, now: toEpochMs(Date.now()) },
  );
}

async function ask(second: SecondOpinion, question: unknown = {}): Promise<unknown> {
  const place: Place = second.reserve();
  try {
    return await place.ask(question as SecondQuestion);
  } finally {
    place.release();
  }
}

describe('a sign-in whose second verifier is on a thread', () => {
  it('says what one on this thread says', async () => {
    const second = open({ threads: 2 });
    const names = Array.from({ length: 24 }, (_, index) => `person-${index}`);
    const signIns = names.map(async (name) => {
      const browser = await waiting();
      return post(browser, signedAnswer(browser, name), second);
    });
    const verified = await Promise.all(signIns);
    expect(verified.map(({ assertion }) => assertion.nameId.value)).toEqual(names);
    const browser = await waiting();
    const xml = signedAnswer(browser);
    const here = await post({ ...browser, memory: mapReplayMemory() }, xml, second).catch(
      (error: { code: string }) => error.code,
    );
    expect(here).toBe('saml.request_unknown');
    const { assertion } = await post(browser, xml, second);
    const again = await waiting();
    const other = await post(again, signedAnswer(again), ON_THIS_THREAD);
    expect(Object.keys(assertion)).toEqual(Object.keys(other.assertion));
    expect(assertion.attributes).toEqual(other.assertion.attributes);
  });

  it('decrypts there, also what node-saml does not know how to', async () => {
    const ours = await makeTestKey();
    for (const signed of ['assertion', 'response', 'both'] as const) {
      const connection = testConnection(testIdp(key), { signed, keys: ownDecryptionKeys(ours) });
      const browser = await sendBrowser(connection, mapReplayMemory());
      const xml = await sealAnswer(browser, key, { ...OAEP_SHA256, recipient: ours });
      const { assertion } = await post(browser, xml, open());
      expect(assertion.nameId.value).toBe('00u1mary');
    }
  });

  it('is refused with the code of the second verifier', async () => {
    const browser = await waiting();
    const xml = signedAnswer(browser);
    const { keys: _, ...connection } = browser.connection;
    const question: SecondQuestion = {
      xml: xml.replace('>ada<', '>eve<'),
      connection,
      certificates: connection.idp.certificates,
      pending: {
        requestId: browser.requestId,
        connectionId: connection.id,
        browserHash: '0'.repeat(64),
        returnTo: '/',
        createdAt: browser.now,
      },
      signed: { response: false, assertion: true },
      decryptionKey: null,
    };
    const second = open();
    await expect(ask(second, question)).rejects.toMatchObject({
      name: 'SamlRefusal',
      code: 'saml.second_verifier_refused',
      detail: { received: expect.stringContaining('signature') },
    });
    await expect(ask(second, { ...question, xml })).resolves.toMatchObject({
      assertion: { nameId: { value: 'ada' } },
    });
  });
});

describe('a thread that lies', () => {
  const ALICE = `{ kind: 'reading', reading: { envelope: null, assertion: { id: '_a', nameId: { value: 'alice' } } } }`;
  it.each([
    ['with somebody else’s assertion', ALICE, 'saml.verifiers_disagree'],
    [
      'with an envelope that nobody signed, right or wrong',
      `{ kind: 'reading', reading: { envelope: {}, assertion: {} } }`,
      'saml.verifiers_disagree',
    ],
    [
      'with no assertion at all',
      `{ kind: 'reading', reading: { envelope: null, assertion: null } }`,
      'saml.verifier_failed',
    ],
    [
      'with an empty assertion',
      `{ kind: 'reading', reading: { envelope: null, assertion: {} } }`,
      'saml.verifiers_disagree',
    ],
    ['with a word', `'yes'`, 'saml.verifier_failed'],
    ['with nothing', 'undefined', 'saml.verifier_failed'],
    [
      'with more than an answer',
      `{ kind: 'reading', reading: { envelope: null, assertion: {} }, admitted: true }`,
      'saml.verifier_failed',
    ],
    [
      'with an unknown refusal',
      `{ kind: 'refused', code: 'saml.fine', expected: '', received: '' }`,
      'saml.verifiers_disagree',
    ],
    ['with a failure of its own', `{ kind: 'failed', why: 'tired' }`, 'saml.verifier_failed'],
  ])('lets nobody in: %s', async (_, message, code) => {
    const browser = await waiting();
    const second = open({ program: program(`say(${message})`) });
    await expect(post(browser, signedAnswer(browser), second)).rejects.toMatchObject({ code });
  });

  it('cannot answer the next question before it is asked', async () => {
    const second = open({
      program: program(`say({ kind: 'failed', why: String(asked) }); say(${ALICE});`),
    });
    // Each thread answers once and is ended for its second word; the next one counts anew.
    for (let round = 0; round < 3; round++) {
      await expect(ask(second)).rejects.toMatchObject({ detail: { received: '1' } });
      await new Promise((done) => setTimeout(done, 20));
    }
  });
});

describe('a thread that breaks down', () => {
  it.each([
    ['throws', `throw new Error('broken')`],
    ['ends', `process.exit(0)`],
    ['cannot be started', null],
    ['takes all memory', `const all = []; for (;;) all.push(new Array(100_000).fill(asked));`],
  ])('fails one sign-in, and the next one has a new thread: it %s', async (_, what) => {
    const broken = what === null ? new URL('file:///nowhere/thread.js') : program(what);
    const second = open({ program: broken });
    for (let round = 0; round < 2; round++) {
      await expect(ask(second)).rejects.toMatchObject({ code: 'saml.verifier_failed' });
    }
  });

  it('is ended where it takes too long, though it never yields', async () => {
    const second = open({
      budgetMs: 400,
      program: program(
        `if (question.hang) for (;;); else say({ kind: 'failed', why: 'answered' });`,
      ),
    });
    const slow = ask(second, { hang: true });
    const next = ask(second, {});
    await expect(slow).rejects.toMatchObject({
      code: 'saml.verifier_failed',
      detail: { received: 'no answer in time' },
    });
    await expect(next).rejects.toMatchObject({ detail: { received: 'answered' } });
  });

  it('is not asked what cannot be sent', async () => {
    const second = open({ program: program(`say({ kind: 'failed', why: 'answered' })`) });
    await expect(ask(second, { secret: () => 1 })).rejects.toMatchObject({
      code: 'saml.verifier_failed',
    });
    await expect(ask(second)).rejects.toMatchObject({ detail: { received: 'answered' } });
  });

  it('sees no environment', async () => {
    process.env.ROLLCALL_TEST_SECRET = 'secret';
    const second = open({
      program: program(
        `say({ kind: 'failed', why: Object.keys(process.env).filter((name) => name !== 'NODE_OPTIONS').join() })`,
      ),
    });
    await expect(ask(second)).rejects.toMatchObject({ detail: { received: '' } });
  });
});

describe('too many sign-ins at once', () => {
  it('wait up to a limit; whoever comes then may send the same response again', async () => {
    const second = open({ waitingPerThread: 1 });
    const places = [second.reserve(), second.reserve()];
    const browser = await waiting();
    const xml = signedAnswer(browser);
    await expect(post(browser, xml, second)).rejects.toMatchObject({ code: 'saml.verifier_busy' });
    // What the first verifier throws out takes no place.
    await expect(post(browser, xml.replace('>ada<', '>eve<'), second)).rejects.toMatchObject({
      code: 'saml.digest_mismatch',
    });
    for (const place of places) place.release();
    places[0]?.release();
    const { assertion } = await post(browser, xml, second);
    expect(assertion.nameId.value).toBe('ada');
  });

  it('give their places back, however they end', async () => {
    const second = open({ waitingPerThread: 0 });
    for (let round = 0; round < 3; round++) {
      const browser = await waiting();
      const { relayState: _, ...noState } = browser;
      await expect(
        post({ ...noState, relayState: 'unknown' }, signedAnswer(browser), second),
      ).rejects.toMatchObject({ code: 'saml.request_unknown' });
    }
    const browser = await waiting();
    await expect(post(browser, signedAnswer(browser), second)).resolves.toBeDefined();
  });
});

describe('the end', () => {
  it('fails what is under way and what waits, and nothing is asked after it', async () => {
    const second = open({ program: program('') });
    const asked = [ask(second), ask(second)].map((one) => one.catch((error) => error.code));
    await second.close();
    expect(await Promise.all(asked)).toEqual(['saml.verifier_failed', 'saml.verifier_failed']);
    await expect(ask(second)).rejects.toMatchObject({ code: 'saml.verifier_failed' });
    await second.close();
  });

  it('of the process is not held up by threads that are idle', async () => {
    const text = `
      import { SecondVerifierThreads } from '@rollcall/jit-auth/saml/second-verifier-threads';
      const log = { error: () => undefined };
      const place = new SecondVerifierThreads({ threads: 2, log }).reserve();
      await place.ask({}).catch((error) => console.log(error.code));`;
    const run = promisify(execFile)(
      process.execPath,
      ['--conditions=source', '--input-type=module', '--eval', text],
      { cwd: import.meta.dirname, timeout: 20_000 },
    );
    expect((await run).stdout).toBe('saml.verifier_failed\n');
  });
});

describe('openSecondOpinion', () => {
  it('opens none where the configuration says so', () => {
    expect(openSecondOpinion({ threads: 0 }, createLog('silent'))).toBe(ON_THIS_THREAD);
    const second = openSecondOpinion({ threads: null }, createLog('silent'));
    opened.push(second);
    expect(second).toBeInstanceOf(SecondVerifierThreads);
  });
});
