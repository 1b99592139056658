import type { RosterFormat } from '@rollcall/shared/config/schema/roster';
import { DirectoryError } from '@rollcall/sweeper/directories/directory-error';
import { type RosterOptions, rosterDirectory } from '@rollcall/sweeper/directories/roster/roster';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { addsUp, listingError, readListing } from '../directory-contract.ts';
import {
  checksumOf,
  openRosterServer,
  PEOPLE,
  type RosterServer,
  rosterOptions,
  type ServedFile,
  WRITTEN,
  writeRoster,
} from './roster-files.ts';

let server: RosterServer;
beforeAll(async () => {
  server = await openRosterServer();
});
afterAll(() => server.close());
beforeEach(() => {
  server.files.clear();
  server.asked.length = 0;
});

const BESIDE = `rows ${PEOPLE.length}\nas_of ${WRITTEN}\n`;
const HEADER = 'id,active,groups,label\n';

/** Serves a roster, with a checksum that is right unless it is given. */
function serve(
  body: string | Uint8Array,
  {
    beside = '',
    checksum = checksumOf(body),
    ...file
  }: Partial<ServedFile> & {
    readonly beside?: string;
    readonly checksum?: string;
  } = {},
) {
  server.files.set('/r', { ...file, body });
  server.files.set('/r.sha256', { body: `${checksum}  r\n${beside}` });
}

function directory(more: Partial<RosterOptions> = {}) {
  const place = { kind: 'url', roster: `${server.url}/r`, checksum: `${server.url}/r.sha256` };
  return rosterDirectory(rosterOptions(place as RosterOptions['place'], more));
}

describe('a roster that is not right', () => {
  const whole = writeRoster('csv');
  const bare = `${HEADER}id-01,yes,,\nid-02,no,,\n`;
  const dated = (rows: number): string => `rows ${rows}\nas_of ${WRITTEN}`;
  const FAULTS: readonly (readonly [string, string, () => void, Partial<RosterOptions>?])[] = [
    ['is not there', 'request_failed', () => undefined],
    [
      'has no checksum',
      'malformed_answer',
      () => {
        serve(whole);
        server.files.set('/r.sha256', { body: BESIDE });
      },
    ],
    [
      'has a page instead of a checksum',
      'malformed_answer',
      () => {
        serve(whole);
        server.files.set('/r.sha256', { body: '<html>Sign in</html>' });
      },
    ],
    [
      'has another checksum',
      'checksum_mismatch',
      () => serve(whole, { checksum: checksumOf('x') }),
    ],
    [
      'was cut off, and the server does not say so',
      'checksum_mismatch',
      () => serve(whole.slice(0, 60), { checksum: checksumOf(whole) }),
    ],
    ['breaks off on the way', 'request_failed', () => serve(whole, { cutAfter: 50 })],
    ['is refused', 'unauthorized', () => serve(whole, { status: 401 })],
    [
      'is elsewhere',
      'request_failed',
      () => serve('', { status: 302, headers: { location: 'https://elsewhere.example/' } }),
    ],
    ['is larger than allowed', 'malformed_answer', () => serve(whole), { maxBytes: 100 }],
    [
      'does not say how many',
      'malformed_answer',
      () => serve(bare, { beside: `as_of ${WRITTEN}` }),
    ],
    ['says two numbers', 'malformed_answer', () => serve(whole, { beside: 'rows 4' })],
    ['says no number', 'malformed_answer', () => serve(whole, { beside: 'rows many' })],
    ['has no date', 'malformed_answer', () => serve(bare, { beside: 'rows 2' })],
    [
      'has a date without a zone',
      'malformed_answer',
      () => serve(bare, { beside: 'rows 2\nas_of 2026-11-25T02:00:00' }),
    ],
    [
      'is of tomorrow',
      'malformed_answer',
      () => serve(bare, { beside: 'rows 2\nas_of 2026-11-26T02:00:00Z' }),
    ],
    [
      'is of last week',
      'stale',
      () => serve(bare, { beside: 'rows 2\nas_of 2026-11-18T02:00:00Z' }),
    ],
    [
      'has no column for the id',
      'malformed_answer',
      () => serve(whole),
      {
        columns: { id: 'uid', active: null, groups: null, label: null },
      },
    ],
    ['has another delimiter', 'malformed_answer', () => serve(whole), { delimiter: 'tab' }],
    [
      'names a column twice',
      'malformed_answer',
      () => serve('id,active,groups,label,id\n1,yes,,,2\n', { beside: dated(1) }),
    ],
    [
      'has a row with a field too few',
      'malformed_answer',
      () => serve(`${bare}id-03,yes\n`, { beside: dated(3) }),
    ],
    [
      'has a quote that never ends',
      'malformed_answer',
      () => serve(`${bare}id-03,yes,"x,\n`, { beside: dated(3) }),
    ],
    [
      'has a person without an id',
      'malformed_answer',
      () => serve(`${bare},yes,,\n`, { beside: dated(3) }),
    ],
    [
      'has an id with a space at its end',
      'malformed_answer',
      () => serve(`${bare}"id-03 ",yes,,\n`, { beside: dated(3) }),
    ],
    [
      'says of somebody what means nothing',
      'malformed_answer',
      () => serve(`${bare}id-03,maybe,,\n`, { beside: dated(3) }),
    ],
    [
      'is not UTF-8',
      'malformed_answer',
      () => serve(Buffer.from(`${bare}J\xf8rgen,yes,,\n`, 'latin1'), { beside: dated(3) }),
    ],
    ['is no JSON', 'malformed_answer', () => serve(whole), { format: 'json' }],
    [
      'is a JSON of something else',
      'malformed_answer',
      () => serve('{"error":"x"}', { beside: dated(1) }),
      {
        format: 'json',
      },
    ],
    [
      'has a line that is no JSON',
      'malformed_answer',
      () =>
        serve('{"id":"1","active":true,"groups":[],"label":null}\n{"id":"2"\n', {
          beside: dated(2),
        }),
      {
        format: 'ndjson',
      },
    ],
  ];

  const faults = FAULTS.map(([name, fault, prepare, options = {}]) => {
    return { name, fault, prepare, options };
  });
  it.each(faults)('because it $name is refused whole: $fault', async (one) => {
    one.prepare();
    const error = await listingError(directory(one.options));
    expect(error).toBeInstanceOf(DirectoryError);
    expect(error.fault).toBe(one.fault);
    expect(error.message).not.toContain('id-0');
  });

  it('proves nothing where it is short, doubled or empty', async () => {
    const rosters: readonly [string, string][] = [
      [bare, dated(3)],
      [`${bare}id-01,yes,,\n`, dated(3)],
      [HEADER, dated(0)],
      [HEADER, dated(3)],
      ['', dated(0)],
    ];
    for (const [body, beside] of rosters) {
      serve(body, { beside });
      const listing = await readListing(directory());
      // Nobody at all is for the judge of listings to refuse: zero rows prove nothing.
      expect(addsUp(listing) && listing.members.length > 0).toBe(false);
    }
  });
});

describe('a roster that is right', () => {
  it.each(['csv', 'json', 'ndjson'] as const)(
    'of %s may say its number and date beside it, and be of one person only',
    async (format: RosterFormat) => {
      const [ada] = PEOPLE;
      const text = {
        csv: `${HEADER}id-01,1,,\n`,
        json: '[{"id":"id-01"}]',
        ndjson: '{"id":"id-01"}',
      }[format];
      serve(text, { beside: `rows: 1\nas_of: ${WRITTEN}` });
      const columns = { id: 'id', active: null, groups: null, label: null };
      const listing = await readListing(directory({ format, columns }));
      expect(listing.members).toEqual([
        { id: ada?.id, standing: 'present', groups: null, label: null },
      ]);
      expect(listing.announcedTotal).toBe(1);
    },
  );

  it('has the date of its server where it says none, and sends the token it is given', async () => {
    const modified = { 'last-modified': 'Wed, 25 Nov 2026 01:30:00 GMT' };
    serve(`${HEADER}id-01,yes,,\n`, { beside: 'rows 1', headers: modified });
    const roster = directory({ token: async () => 'secret-token' });
    for await (const page of roster.list(AbortSignal.timeout(5_000))) {
      expect(page.asOf).toBe(Date.UTC(2026, 10, 25, 1, 30));
    }
    expect(server.asked.map(({ authorization }) => authorization)).toEqual(
      Array(2).fill('Bearer secret-token'),
    );
    expect(await roster.fingerprint(AbortSignal.timeout(1_000))).not.toContain('secret');
  });

  it('may have other words, another delimiter, and groups that are not told', async () => {
    serve('\ufeffPersonal-Nr;Status;Gruppen\r\n007;AKTIV;a|b\r\n008;ausgetreten;\r\n', {
      beside: `rows 2\nas_of ${WRITTEN}`,
    });
    const listing = await readListing(
      directory({
        delimiter: 'semicolon',
        columns: { id: 'Personal-Nr', active: 'Status', groups: 'Gruppen', label: null },
        groupsSplit: '|',
        activeWords: ['Aktiv'],
        inactiveWords: ['ausgetreten'],
      }),
    );
    expect(listing.members).toEqual([
      { id: '007', standing: 'present', groups: ['a', 'b'], label: null },
      { id: '008', standing: 'disabled', groups: [], label: null },
    ]);
  });

  it('is as many people as it has, however many', async () => {
    const rows = Array.from({ length: 30_000 }, (_, index) => `id-${index},yes,"a;b",`);
    serve(`${HEADER}${rows.join('\n')}\n# rows: 30000\n# as_of: ${WRITTEN}\n`);
    const listing = await readListing(directory({ pageSize: 1_000 }));
    expect(addsUp(listing)).toBe(true);
    expect(new Set(listing.members.map(({ id }) => id)).size).toBe(30_000);
  });
});
