import {
  checkResponse,
  type Expectations,
  MAX_ASSERTION_AGE_MS,
  MAX_WINDOW_MS,
} from '@rollcall/jit-auth/saml/conditions';
import { SamlRefusal } from '@rollcall/jit-auth/saml/refusal';
import type { ResponseFacts } from '@rollcall/jit-auth/saml/response-facts';
import { type EpochMs, toEpochMs } from '@rollcall/shared/core/time';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

const ISSUED = Date.parse('2026-03-04T05:06:07.000Z');
const SKEW = 60_000;
const PASSWORD = 'urn:oasis:names:tc:SAML:2.0:ac:classes:Password';
const at = (ms: number) => new Date(ISSUED + ms).toISOString();

const expected: Expectations = {
  issuer: 'https://idp.example.com',
  audience: 'https://auth.example.com/saml/acme/metadata',
  acsUrl: 'https://auth.example.com/saml/acme/acs',
  request: { id: '_request', at: toEpochMs(ISSUED - 30_000) },
  forceAuthn: false,
  authnContext: [],
  clockSkewMs: SKEW,
};

/** Times are milliseconds from IssueInstant. */
interface Times {
  readonly notBefore?: number;
  readonly notOnOrAfter?: number;
  readonly confirmationNotOnOrAfter?: number;
  readonly authnInstant?: number;
  readonly sessionNotOnOrAfter?: number;
}

function factsAt(times: Times = {}): ResponseFacts {
  return {
    envelope: {
      id: '_r',
      version: '2.0',
      issueInstant: at(0),
      destination: expected.acsUrl,
      inResponseTo: '_request',
      issuer: { value: expected.issuer, format: null },
      statusCodes: ['urn:oasis:names:tc:SAML:2.0:status:Success'],
      statusMessage: null,
    },
    assertion: {
      id: '_a',
      version: '2.0',
      issueInstant: at(0),
      issuer: { value: expected.issuer, format: null },
      nameId: { value: 'mary', format: null, nameQualifier: null, spNameQualifier: null },
      confirmations: [
        {
          method: 'urn:oasis:names:tc:SAML:2.0:cm:bearer',
          recipient: expected.acsUrl,
          notBefore: null,
          notOnOrAfter: at(times.confirmationNotOnOrAfter ?? 300_000),
          inResponseTo: '_request',
        },
      ],
      conditions: {
        notBefore: at(times.notBefore ?? -300_000),
        notOnOrAfter: at(times.notOnOrAfter ?? 300_000),
        audienceRestrictions: [[expected.audience]],
        unknown: [],
      },
      authnStatements: [
        {
          authnInstant: at(times.authnInstant ?? 0),
          sessionIndex: '_s',
          sessionNotOnOrAfter: at(times.sessionNotOnOrAfter ?? 3_600_000),
          contextClass: PASSWORD,
        },
      ],
      attributes: new Map(),
    },
    signed: { response: false, assertion: true },
  };
}

function codeAt(times: Times, now: number, changes: Partial<Expectations> = {}): string {
  try {
    checkResponse(factsAt(times), { ...expected, ...changes }, toEpochMs(ISSUED + now));
    return 'passed';
  } catch (error) {
    if (error instanceof SamlRefusal) return error.code;
    throw error;
  }
}

// The last instant that passes and the first that does not, or the other way round.
describe('the edges of time, in milliseconds from IssueInstant', () => {
  test.each<[string, Times, number, string]>([
    ['issued in future', {}, -SKEW, 'passed'],
    ['issued in future', {}, -SKEW - 1, 'saml.issued_in_future'],
    ['not yet valid', { notBefore: 0 }, -SKEW, 'passed'],
    ['not yet valid', { notBefore: 1 }, -SKEW, 'saml.not_yet_valid'],
    ['expired', { notOnOrAfter: 100_000 }, 100_000 + SKEW - 1, 'passed'],
    ['expired', { notOnOrAfter: 100_000 }, 100_000 + SKEW, 'saml.expired'],
    ['confirmation', { confirmationNotOnOrAfter: 100_000 }, 100_000 + SKEW - 1, 'passed'],
    [
      'confirmation',
      { confirmationNotOnOrAfter: 100_000 },
      100_000 + SKEW,
      'saml.confirmation_expired',
    ],
    ['age', long(), MAX_ASSERTION_AGE_MS + SKEW - 1, 'passed'],
    ['age', long(), MAX_ASSERTION_AGE_MS + SKEW, 'saml.too_old'],
    ['window', { notOnOrAfter: MAX_WINDOW_MS }, 0, 'passed'],
    ['window', { notOnOrAfter: MAX_WINDOW_MS + 1 }, 0, 'saml.window_too_long'],
    ['window', { confirmationNotOnOrAfter: MAX_WINDOW_MS + 1 }, 0, 'saml.window_too_long'],
    ['authentication', { authnInstant: SKEW }, 0, 'passed'],
    ['authentication', { authnInstant: SKEW + 1 }, 0, 'saml.authn_in_future'],
    ['session', { sessionNotOnOrAfter: 1 }, 0, 'passed'],
    ['session', { sessionNotOnOrAfter: 0 }, 0, 'saml.session_expired'],
  ])('%s: %j at %i is %s', (_, times, now, code) => expect(codeAt(times, now)).toBe(code));

  test('ForceAuthn counts from the request, less the skew', () => {
    const changes = { forceAuthn: true, request: { id: '_request', at: toEpochMs(ISSUED) } };
    expect(codeAt({ authnInstant: -SKEW }, 0, changes)).toBe('passed');
    expect(codeAt({ authnInstant: -SKEW - 1 }, 0, changes)).toBe('saml.authn_too_old');
    expect(codeAt({ authnInstant: -SKEW - 1 }, 0, { ...changes, forceAuthn: false })).toBe(
      'passed',
    );
  });

  test('without skew the clocks must agree', () => {
    expect(codeAt({}, -1, { clockSkewMs: 0 })).toBe('saml.issued_in_future');
    expect(codeAt({}, 299_999, { clockSkewMs: 0 })).toBe('passed');
    expect(codeAt({}, 300_000, { clockSkewMs: 0 })).toBe('saml.confirmation_expired');
  });
});

function long(): Times {
  return { notOnOrAfter: 3_600_000, confirmationNotOnOrAfter: 3_600_000 };
}

test('once it has passed, an assertion is refused from usableUntil on, for ever', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: MAX_WINDOW_MS }),
      fc.integer({ min: 1, max: MAX_WINDOW_MS }),
      fc.integer({ min: 0, max: 300_000 }),
      fc.nat(24 * 3_600_000),
      (notOnOrAfter, confirmationNotOnOrAfter, clockSkewMs, later) => {
        const facts = factsAt({
          notOnOrAfter,
          confirmationNotOnOrAfter,
          sessionNotOnOrAfter: 1e11,
        });
        const changed = { ...expected, clockSkewMs };
        const { usableUntil } = checkResponse(facts, changed, ISSUED as EpochMs);
        expect(() => checkResponse(facts, changed, toEpochMs(usableUntil + later))).toThrow(
          SamlRefusal,
        );
        expect(() => checkResponse(facts, changed, toEpochMs(usableUntil - 1))).not.toThrow();
      },
    ),
  );
});

test('a response that lacks or changes any fact is refused', () => {
  const good = factsAt();
  const now = toEpochMs(ISSUED);
  expect(() => checkResponse(good, expected, now)).not.toThrow();
  const conditions = good.assertion.conditions;
  const [confirmation] = good.assertion.confirmations;
  if (conditions === null || confirmation === undefined) throw new Error('the fixture is broken');
  const changes: [
    string,
    Partial<ResponseFacts['envelope']>,
    Partial<ResponseFacts['assertion']>,
  ][] = [
    ['saml.status_not_success', { statusCodes: [] }, {}],
    ['saml.in_response_to_mismatch', { inResponseTo: null }, {}],
    ['saml.subject_not_confirmed', {}, { confirmations: [] }],
    ['saml.subject_not_confirmed', {}, { confirmations: [confirmation, confirmation] }],
    [
      'saml.in_response_to_mismatch',
      {},
      { confirmations: [{ ...confirmation, inResponseTo: null }] },
    ],
    ['saml.conditions_missing', {}, { conditions: null }],
    ['saml.audience_mismatch', {}, { conditions: { ...conditions, audienceRestrictions: [] } }],
    [
      'saml.audience_mismatch',
      {},
      { conditions: { ...conditions, audienceRestrictions: [[expected.audience], []] } },
    ],
    ['saml.not_one_authn_statement', {}, { authnStatements: [] }],
    ['saml.name_id_missing', {}, { nameId: null }],
  ];
  for (const [code, envelope, assertion] of changes) {
    const facts = {
      ...good,
      envelope: { ...good.envelope, ...envelope },
      assertion: { ...good.assertion, ...assertion },
    };
    expect(() => checkResponse(facts, expected, now)).toThrow(expect.objectContaining({ code }));
  }
});

test('a signed response must name its issuer', () => {
  const facts = factsAt();
  const anonymous = { ...facts, envelope: { ...facts.envelope, issuer: null } };
  const now = toEpochMs(ISSUED);
  expect(() => checkResponse(anonymous, expected, now)).not.toThrow();
  const signed = { ...anonymous, signed: { response: true, assertion: false } };
  expect(() => checkResponse(signed, expected, now)).toThrow(
    expect.objectContaining({ code: 'saml.issuer_mismatch' }),
  );
});
