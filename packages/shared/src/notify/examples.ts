import type { EventFacts } from './events.ts';

const RUN = '0b6f7a52-3c1e-4c8a-9a51-6f0d2f3f7a10';
const PLAN = '7f3c9d0e4b1a';
const USER = 'c1a7f3de-6f55-4a0c-8f0a-2f6f3f6f9b21';

/** Facts of each event as they look: for tests of sinks, by hand and otherwise. */
export const EXAMPLES: Readonly<EventFacts> = {
  'sweep.held': {
    run: RUN,
    plan: PLAN,
    waiting: 214,
    of: 1_218,
    why: ['absence per run: 214 of 1,218 (17.6 %), limit 24'],
    expires_at: '2026-11-26T07:30:00.000Z',
  },
  'sweep.escalated': {
    run: RUN,
    plan: PLAN,
    waiting: 214,
    held_for_hours: 4,
    expires_at: '2026-11-26T07:30:00.000Z',
  },
  'sweep.failed': {
    run: RUN,
    code: 'database.unreachable',
    failures: 3,
    since: '2026-11-25T06:45:00.000Z',
  },
  'sweep.stale': {
    last_success_at: '2026-11-25T06:30:00.000Z',
    every_seconds: 900,
    missed_intervals: 4,
  },
  'directory.failing': {
    run: RUN,
    code: 'directory.unauthorized',
    failures: 3,
    since: '2026-11-25T06:45:00.000Z',
  },
  'certificate.expiring': {
    whose: 'identity_provider',
    use: 'signing',
    fingerprint: '4F:1A:9C:07:52:BE',
    expires_at: '2026-12-02T12:00:00.000Z',
    days_left: 7,
    connections: ['acme'],
  },
  'sign_in.refusals_spike': {
    refused: 160,
    usual: 4,
    day: '2026-11-25',
    codes: ['saml.signature_invalid 150', 'saml.expired 10'],
  },
  'users.spike': { created: 84, usual: 6, from: '2026-11-25T06:30:00.000Z' },
  'scim.failing': {
    code: 'scim.invalid_value',
    failures: 12,
    since: '2026-11-25T06:45:00.000Z',
  },
  'scim.refusals_spike': {
    refused: 240,
    usual: 3,
    from: '2026-11-25T06:30:00.000Z',
    codes: ['scim.invalid_value 231', 'scim.uniqueness 9'],
  },
  'scim.leavers_spike': { ended: 312, usual: 4, from: '2026-11-25T06:30:00.000Z' },
  'scim.token_expiring': { token: 'okta', expires_at: '2026-12-02T12:00:00.000Z', days_left: 7 },
  'last_admin.protected': { user: USER, roles: ['admin'], kept_from: 'sweep' },
  'silence.warning': {
    user: USER,
    last_sign_in_at: '2026-09-10T08:00:00.000Z',
    silent_days: 76,
    deactivates_at: '2026-12-09T08:00:00.000Z',
  },
};
