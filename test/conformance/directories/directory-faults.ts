import type { DirectoryFault } from '@rollcall/sweeper/directories/port';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  addsUp,
  expectNobodyMissed,
  listingError,
  lookUp,
  readListing,
  type ScriptedHarness,
} from '../directory-contract.ts';
import { htmlPage, json, type Scripted } from './scripted-server.ts';

const TOO_MANY = { ...json(429, {}), headers: { 'retry-after': '120' } };

/** Every way in which vendors say how long to wait, and how long that is, in milliseconds. */
const PAUSES: readonly (readonly [
  string,
  () => Record<string, string>,
  readonly [number, number],
])[] = [
  ['Retry-After in seconds', () => ({ 'retry-after': '2' }), [2_000, 2_000]],
  ['a fraction of a second', () => ({ 'retry-after': '1.128' }), [1_128, 1_128]],
  ['a date', () => ({ 'retry-after': new Date(Date.now() + 2_000).toUTCString() }), [500, 2_000]],
  [
    'the moment at which a window ends',
    () => ({ 'x-rate-limit-reset': String(Math.ceil(Date.now() / 1_000) + 1) }),
    [500, 2_500],
  ],
  ['the time that a window lasts', () => ({ 'x-ratelimit-reset': '1' }), [1_000, 1_000]],
];

/** Answers that prove nothing, and the fault that each must become. */
const REFUSALS: readonly (readonly [string, Scripted, DirectoryFault])[] = [
  ['401', json(401, {}), 'unauthorized'],
  ['403', json(403, {}), 'forbidden'],
  ['404 as JSON', json(404, { error: 'User not found' }), 'request_failed'],
  ['404 as HTML', htmlPage(404), 'request_failed'],
  ['410', json(410, {}), 'request_failed'],
  ['429', TOO_MANY, 'rate_limited'],
  ['500', json(500, {}), 'request_failed'],
  ['503', htmlPage(503), 'request_failed'],
  ['a redirect', { ...htmlPage(302), headers: { location: '/elsewhere' } }, 'request_failed'],
  ['204 without a body', { status: 204, body: '' }, 'request_failed'],
  ['an HTML page with status 200', htmlPage(200), 'malformed_answer'],
  ['JSON that breaks off', { ...json(200, []), body: '{"Resources":[{"id":' }, 'malformed_answer'],
  ['null', json(200, null), 'malformed_answer'],
  ['an object without people', json(200, {}), 'malformed_answer'],
  ['bytes that are no UTF-8', { ...json(200, ''), body: '"\ufffd' }, 'malformed_answer'],
];

/** What every directory must do when something is wrong with it: never list too few and call it all. */
export function describeDirectoryFaults(name: string, open: () => Promise<ScriptedHarness>): void {
  describe(`${name}, at fault`, () => {
    let harness: ScriptedHarness;
    let [someone, another] = ['', ''];
    beforeEach(async () => {
      harness = await open();
      [someone, another] = [harness.shape.idOf('id-01'), harness.shape.idOf('id-02')];
    });
    afterEach(() => harness.close());

    describe.each(REFUSALS)('%s', (_name, answer, fault) => {
      it(`on any page of the listing is ${fault}`, async () => {
        for (let page = 1; page <= harness.pages; page++) {
          harness.mend();
          harness.answerPage(page, answer);
          expect((await listingError(harness.directory)).fault).toBe(fault);
        }
        harness.mend();
        expect(addsUp(await readListing(harness.directory))).toBe(true);
      });

      it('in answer to a look-up is unknown, unless it is the protocol\'s own "no such person"', async () => {
        if (JSON.stringify(answer) === JSON.stringify(harness.lookUpAbsent)) return;
        harness.answerLookUp(answer);
        const { standing, because } = await lookUp(harness.directory, someone);
        expect(standing).toBe('unknown');
        expect(because).toMatch(/[a-z]/);
      });
    });

    it('says how long it was asked to wait', async () => {
      harness.answerPage(2, TOO_MANY);
      expect((await listingError(harness.directory)).retryAfterMs).toBe(120_000);
    });

    it.each(PAUSES)(
      'carries on after a pause that %s asks for',
      async (_name, headers, [least, most]) => {
        for (const status of [429, 503]) {
          harness.answerPageOnce(2, { ...json(status, {}), headers: headers() });
          expect(addsUp(await readListing(harness.directory))).toBe(true);
          const waited = harness.time.waits.at(-1);
          expect(waited).toBeGreaterThanOrEqual(least);
          expect(waited).toBeLessThanOrEqual(most);
          harness.mend();
        }
      },
    );

    it('asks nothing more while a look-up was told to wait', async () => {
      harness.answerLookUp(TOO_MANY);
      expect((await lookUp(harness.directory, someone)).standing).toBe('unknown');
      const asked = harness.requests.length;
      expect((await lookUp(harness.directory, another)).standing).toBe('unknown');
      expect((await listingError(harness.directory)).fault).toBe('rate_limited');
      expect(harness.requests).toHaveLength(asked);
    });

    it('is not led in circles, nor to an early end', async () => {
      if (!harness.points) return;
      for (let page = 1; page < harness.pages; page++) {
        for (const to of [1, page]) {
          harness.mend();
          harness.pointPage(page, to);
          expect((await listingError(harness.directory)).fault).toBe('cursor_broken');
        }
        harness.mend();
        harness.pointPage(page, null);
        await expectNobodyMissed(harness, `page ${page} that calls itself the last`);
      }
    });

    it('throws where an answer is broken off, on any page', async () => {
      for (let page = 1; page <= harness.pages; page++) {
        harness.mend();
        harness.cutPage(page);
        expect((await listingError(harness.directory)).fault).toBe('request_failed');
      }
    });

    it('throws where no answer comes', async () => {
      harness.answerPage(2, 'hang');
      expect((await listingError(harness.directory)).fault).toBe('timed_out');
      harness.answerLookUp('hang');
      expect((await lookUp(harness.directory, someone)).standing).toBe('unknown');
    });

    it('throws where a page comes twice', async () => {
      for (let page = 2; page <= harness.pages; page++) {
        harness.mend();
        harness.repeatPage(page);
        expect((await listingError(harness.directory)).fault).toBe('cursor_broken');
      }
    });

    it('throws where a person is listed twice on one page', async () => {
      harness.changeRows(1, ([first, , ...rest]) => [first, first, ...rest]);
      expect((await listingError(harness.directory)).fault).toBe('cursor_broken');
    });

    it.each([
      ['none', undefined],
      ['null', null],
      ['a number', 7],
      ['an empty text', ''],
      ['a control character', 'id-\u0000'],
      ['padding', ' id-02'],
    ])('throws where a row has as its id %s', async (_name, id) => {
      if (typeof id === 'number' && harness.shape.numbers) return;
      harness.changeRows(1, ([first, row, ...rest]) => [
        first,
        harness.shape.withId(row as object, id),
        ...rest,
      ]);
      expect((await listingError(harness.directory)).fault).toBe('malformed_answer');
      harness.changeLookUp((body) => harness.shape.lookUpWithId(body, id));
      expect((await lookUp(harness.directory, another)).standing).toBe('unknown');
    });

    it('throws where a row is no object', async () => {
      harness.changeRows(1, ([first, , ...rest]) => [first, another, ...rest]);
      expect((await listingError(harness.directory)).fault).toBe('malformed_answer');
    });

    it('throws where a text says whether somebody is disabled', async () => {
      harness.changeRows(1, (rows) => rows.map((row) => harness.shape.garbled(row as object)));
      expect((await listingError(harness.directory)).fault).toBe('malformed_answer');
    });

    it('never calls a listing whole that lacks a row, on any page', async () => {
      for (let page = 1; page < harness.pages; page++) {
        harness.mend();
        harness.changeRows(page, (rows) => rows.slice(1));
        await expectNobodyMissed(harness, `page ${page}`);
      }
    });

    it('never calls a listing whole that ends early', async () => {
      for (let page = 1; page < harness.pages; page++) {
        harness.mend();
        harness.changeRows(page, () => []);
        await expectNobodyMissed(harness, `page ${page}`);
      }
    });

    it('lists nobody where there is nobody', async () => {
      for (let n = 1; n <= 9; n++) harness.leave(`id-0${n}`);
      const { members, terminalPageSeen, announcedTotal } = await readListing(harness.directory);
      expect({ members, terminalPageSeen }).toEqual({ members: [], terminalPageSeen: true });
      expect([0, null]).toContain(announcedTotal);
    });

    it('misses nobody who stays while people join and leave between the pages', async () => {
      const changes: readonly (readonly [string, () => void])[] = [
        ['the first leaves', () => harness.leave('id-01')],
        ['the last leaves', () => harness.leave('id-09')],
        ['one joins in front', () => harness.join(0, 'aaron')],
        ['one joins at the end', () => harness.join(10, 'zoe')],
        [
          'one leaves in front, one joins at the end',
          () => {
            harness.leave('id-00');
            harness.join(11, 'zara');
          },
        ],
        [
          'two leave in front, two join at the end',
          () => {
            for (const id of ['id-02', 'id-03']) harness.leave(id);
            for (const number of [12, 13]) harness.join(number, 'zelda');
          },
        ],
      ];
      for (const [what, change] of changes) {
        harness.mend();
        harness.beforePage(2, change);
        const before = harness.expected().map(({ id }) => id);
        const listing = await readListing(harness.directory).catch(() => null);
        if (listing === null || !addsUp(listing)) continue;
        const listed = listing.members.map(({ id }) => id);
        const after = new Set(harness.expected().map(({ id }) => id));
        const whoStays = before.filter((id) => after.has(id));
        expect(listed, what).toEqual(expect.arrayContaining(whoStays));
      }
      harness.mend();
      expect(addsUp(await readListing(harness.directory))).toBe(true);
    });

    it('takes only the protocol\'s own "no such person" for one', async () => {
      harness.answerLookUp(harness.lookUpAbsent);
      expect((await lookUp(harness.directory, someone)).standing).toBe('absent');
      for (const answer of harness.foreignAbsences) {
        harness.answerLookUp(answer);
        const { standing, because } = await lookUp(harness.directory, someone);
        expect(standing).toBe('unknown');
        expect(because).toContain('404');
      }
    });

    it('does not take another person for the one that was asked for', async () => {
      harness.changeLookUp((body) => harness.shape.lookUpWithId(body, another));
      expect((await lookUp(harness.directory, someone)).standing).toBe('unknown');
      if (harness.shape.numbers) return;
      harness.changeLookUp((body) => harness.shape.lookUpWithId(body, someone.toUpperCase()));
      expect((await lookUp(harness.directory, someone)).standing).toBe('unknown');
    });

    it('sees at once who was disabled and who has left', async () => {
      const before = harness.expected().length;
      harness.changeLookUp((body) => harness.shape.disabled(body));
      expect((await lookUp(harness.directory, someone)).standing).toBe('disabled');
      harness.mend();
      harness.leave('id-01');
      expect((await lookUp(harness.directory, someone)).standing).toBe('absent');
      expect((await readListing(harness.directory)).members).toHaveLength(before - 1);
    });

    it('puts no secret into its errors', async () => {
      harness.answerPage(1, json(401, { token: 'scripted-token', secret: 'scripted-secret' }));
      const error = await listingError(harness.directory);
      const shown = JSON.stringify([error, error.message, error.stack, error.cause, error.detail]);
      expect(shown).not.toMatch(/scripted-(?:token|secret)|Bearer/);
    });
  });
}
