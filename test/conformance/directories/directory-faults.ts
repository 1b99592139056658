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
    beforeEach(async () => {
      harness = await open();
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
        const { standing, because } = await lookUp(harness.directory, 'id-01');
        expect(standing).toBe('unknown');
        expect(because).toMatch(/[a-z]/);
      });
    });

    it('says how long it was asked to wait', async () => {
      harness.answerPage(2, TOO_MANY);
      expect((await listingError(harness.directory)).retryAfterMs).toBe(120_000);
    });

    it('carries on after a short pause that it was asked for', async () => {
      const limit = { ...json(429, {}), headers: { 'retry-after': '0.2' } };
      harness.answerPage(2, limit);
      setTimeout(() => harness.mend(), 100);
      expect(addsUp(await readListing(harness.directory))).toBe(true);
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
      expect((await lookUp(harness.directory, 'id-01')).standing).toBe('unknown');
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
      harness.changeRows(1, ([first, row, ...rest]) => [
        first,
        { ...(row as object), id },
        ...rest,
      ]);
      expect((await listingError(harness.directory)).fault).toBe('malformed_answer');
      harness.changeLookUp((body) => ({ ...body, id }));
      expect((await lookUp(harness.directory, 'id-02')).standing).toBe('unknown');
    });

    it('throws where a row is no object', async () => {
      harness.changeRows(1, ([first, , ...rest]) => [first, 'id-02', ...rest]);
      expect((await listingError(harness.directory)).fault).toBe('malformed_answer');
    });

    it('throws where a text says whether somebody is disabled', async () => {
      harness.changeRows(1, (rows) =>
        rows.map((row) => ({ ...(row as object), active: 'True', enabled: 'True' })),
      );
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
      for (const { id } of harness.expected()) harness.leave(id);
      const listing = await readListing(harness.directory);
      expect(listing).toEqual({ members: [], terminalPageSeen: true, announcedTotal: 0 });
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
      expect((await lookUp(harness.directory, 'id-01')).standing).toBe('absent');
      for (const answer of harness.foreignAbsences) {
        harness.answerLookUp(answer);
        const { standing, because } = await lookUp(harness.directory, 'id-01');
        expect(standing).toBe('unknown');
        expect(because).toContain('404');
      }
    });

    it('does not take another person for the one that was asked for', async () => {
      harness.changeLookUp((body) => ({ ...body, id: 'id-02' }));
      expect((await lookUp(harness.directory, 'id-01')).standing).toBe('unknown');
      harness.changeLookUp((body) => ({ ...body, id: 'ID-01' }));
      expect((await lookUp(harness.directory, 'id-01')).standing).toBe('unknown');
    });

    it('sees at once who was disabled and who has left', async () => {
      harness.changeLookUp((body) => ({ ...body, active: false, enabled: false }));
      expect((await lookUp(harness.directory, 'id-01')).standing).toBe('disabled');
      harness.mend();
      harness.leave('id-01');
      expect((await lookUp(harness.directory, 'id-01')).standing).toBe('absent');
      expect((await readListing(harness.directory)).members).toHaveLength(8);
    });

    it('puts no secret into its errors', async () => {
      harness.answerPage(1, json(401, { token: 'scripted-token', secret: 'scripted-secret' }));
      const error = await listingError(harness.directory);
      const shown = JSON.stringify([error, error.message, error.stack, error.cause, error.detail]);
      expect(shown).not.toMatch(/scripted-(?:token|secret)|Bearer/);
    });
  });
}
