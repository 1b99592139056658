import { bindFilter } from '@rollcall/jit-auth/scim/filter/bind-filter';
import { satisfies } from '@rollcall/jit-auth/scim/filter/matches';
import { parseFilter } from '@rollcall/jit-auth/scim/filter/parse-filter';
import { type FilterScope, filterToSql } from '@rollcall/jit-auth/scim/filter-sql';
import { foldResource } from '@rollcall/jit-auth/scim/resource/fold';
import type { ScimObject } from '@rollcall/jit-auth/scim/resource/scim-value';
import { USER } from '@rollcall/jit-auth/scim/schema/user';
import { type Database, overPool } from '@rollcall/shared/db/database';
import fc from 'fast-check';
import { type RawBuilder, sql } from 'kysely';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type FreshDatabase, freshDatabase } from '../../setup/database.ts';
import { ENTERPRISE } from '../../unit/scim/people.ts';

let fresh: FreshDatabase;
let db: Database;
beforeAll(async () => {
  fresh = await freshDatabase();
  db = overPool(fresh.pool);
});
afterAll(() => fresh.drop());

const TEXTS = [
  '',
  'a',
  'A',
  'ab',
  'a%',
  'a_b',
  'a\\',
  'É',
  'é',
  'ß',
  'K',
  '\u{1f600}',
  '"',
  "' or true --",
];
const texts = fc.constantFrom(...TEXTS);
const some = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined });

const people = fc
  .record({
    userName: texts,
    title: some(texts),
    externalId: some(texts),
    active: some(fc.boolean()),
    name: some(fc.record({ familyName: some(texts), givenName: some(texts) })),
    emails: some(
      fc.array(fc.record({ value: some(texts), type: some(texts), primary: some(fc.boolean()) }), {
        maxLength: 3,
      }),
    ),
    [ENTERPRISE]: some(
      fc.record({ department: some(texts), manager: some(fc.record({ value: texts })) }),
    ),
  })
  .map((person) => JSON.parse(JSON.stringify(person)) as ScimObject);

const operator = fc.constantFrom('eq', 'ne', 'co', 'sw', 'ew', 'gt', 'ge', 'lt', 'le');
const simple = (names: readonly string[]) =>
  fc.oneof(
    fc
      .tuple(fc.constantFrom(...names), operator, texts)
      .map(([name, op, text]) => `${name} ${op} ${JSON.stringify(text)}`),
    fc
      .tuple(fc.constantFrom(...names), fc.constantFrom('pr', 'eq null', 'ne null'))
      .map((parts) => parts.join(' ')),
  );
const booleans = (name: string) =>
  fc.constantFrom(
    `${name} eq true`,
    `${name} ne true`,
    `${name} eq false`,
    `${name} ne "False"`,
    `${name} pr`,
  );

const written = fc.letrec<{ filter: string; part: string }>((tie) => ({
  part: fc.oneof(
    { maxDepth: 2 },
    simple(['value', 'type']),
    booleans('primary'),
    connected(tie('part')),
  ),
  filter: fc.oneof(
    { maxDepth: 3 },
    simple([
      'userName',
      'title',
      'externalId',
      'name.familyName',
      'emails',
      'emails.value',
      'emails.type',
      `${ENTERPRISE}:department`,
      `${ENTERPRISE}:manager`,
    ]),
    booleans('active'),
    booleans('emails.primary'),
    fc.constantFrom('name pr', 'name eq null', 'emails pr', 'emails eq null', 'phoneNumbers pr'),
    connected(tie('filter')),
    tie('filter').map((filter) => `not (${filter})`),
    tie('part').map((part) => `emails[${part}]`),
    fc
      .tuple(tie('part'), texts)
      .map(([part, text]) => `emails[${part}].value eq ${JSON.stringify(text)}`),
  ),
})).filter;

function connected(part: fc.Arbitrary<string>): fc.Arbitrary<string> {
  return fc
    .tuple(part, fc.constantFrom('and', 'or'), part)
    .map(([one, word, other]) => `(${one}) ${word} (${other})`);
}

/** Everything as jsonb, but two attributes that have a column. */
function scope(): FilterScope {
  return {
    columns: new Map([
      ['userName', { type: 'text', expression: sql`user_name` }],
      ['active', { type: 'boolean', expression: sql`active` }],
    ]),
    lists: new Map(),
    json: sql`attributes`,
    unstored: new Set(['meta']),
  };
}

async function found(resources: readonly ScimObject[], condition: RawBuilder<unknown>) {
  const rows = resources.map((resource, at) => {
    const attributes = foldResource(resource, USER);
    const { userName: user_name, active = null, ...rest } = attributes;
    return { at, user_name, active, attributes: rest };
  });
  const answer = await sql<{ at: number }>`
    select at from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb)
      as person (at integer, user_name text, active boolean, attributes jsonb)
     where ${condition} order by at`.execute(db);
  return answer.rows.map(({ at }) => at);
}

it('finds in Postgres whom it finds in memory, whatever is asked of whomever', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(people, { minLength: 1, maxLength: 12 }),
      written,
      async (resources, text) => {
        const filter = bindFilter(parseFilter(text), USER);
        const expected = resources.flatMap((one, at) => (satisfies(one, filter) ? [at] : []));
        expect(await found(resources, filterToSql(filter, scope())), text).toEqual(expected);
      },
    ),
    { numRuns: 400 },
  );
});

it('binds every value and every name that a client sent', () => {
  const text = `userName eq "'; drop table users --" and title co "%_" and emails[type eq "x'"]`;
  const condition = filterToSql(bindFilter(parseFilter(text), USER), scope());
  const compiled = condition.compile(db);
  expect(compiled.sql).not.toMatch(/drop table|%|emails|title/);
  expect(compiled.parameters).toContain("'; drop table users --");
});

it('says so where an attribute is nowhere to be searched by', () => {
  const filter = bindFilter(parseFilter('meta.location eq "x"'), USER);
  expect(() => filterToSql(filter, scope())).toThrow(
    expect.objectContaining({ status: 400, scimType: 'invalidFilter' }),
  );
});
