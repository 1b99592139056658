import { maySignIn } from '@rollcall/shared/core/lifecycle';
import { previewSignIn } from '@rollcall/shared/core/role-preview';
import type { EpochMs } from '@rollcall/shared/core/time';
import { findUserBySubject, grantsOf } from '@rollcall/shared/db/users';
import { type SignInTestReport, stepsTo } from '@rollcall/shared/explanation/sign-in-test';
import { decideProvisioning } from '../provisioning/decide.ts';
import type { ProvisioningContext } from '../provisioning/provision.ts';
import type { SamlRefusal } from '../saml/refusal.ts';
import type { VerifiedAssertion } from '../saml/verified-assertion.ts';

const VALUES = 50;
const VALUE_LENGTH = 300;

/** The report of a response that did not verify: nothing that it says is shown. */
export function reportRefusal(
  connection: string,
  { code, detail }: Pick<SamlRefusal, 'code' | 'detail'>,
  reference: string,
): SignInTestReport {
  const { expected, received } = detail as { expected?: unknown; received?: unknown };
  const failure = { code, expected: expected ?? null, received: received ?? null };
  return { ok: false, connection, reference, failure, steps: stepsTo(code), seen: null };
}

/**
 * What a sign-in by this assertion would do, by the function that decides it. Reads the
 * person's record where there is one, and writes nothing.
 */
export async function reportAssertion(
  { db, policy, mode }: ProvisioningContext,
  assertion: VerifiedAssertion,
  reference: string,
  now: EpochMs,
): Promise<SignInTestReport> {
  const named = decideProvisioning(assertion, policy, () => true);
  const user =
    named.subject === null ? null : await findUserBySubject(db, policy.connectionId, named.subject);
  const decided = user === null ? decideProvisioning(assertion, policy, () => false) : named;
  // Of a newcomer who is refused, too, it is shown what the rules made of the groups.
  const mapping = named.kind === 'admit' ? named.mapping : null;
  const grants = user === null ? [] : await grantsOf(db, user.id);
  const kept = user !== null && (user.protected || user.protectedByAdmin);
  const roles =
    decided.kind === 'refuse'
      ? null
      : previewSignIn(
          grants,
          policy.connectionId,
          decided.mapping,
          user === null || (kept && mode === 'authoritative') ? 'additive' : mode,
        );
  const failure =
    decided.kind === 'refuse'
      ? failureOf(decided.code, decided.detail)
      : refusalOfKnown(user?.state ?? null, user?.stateReason ?? null, roles?.roles ?? []);
  const { email, givenName, familyName } =
    named.kind === 'admit' ? named.profile : { email: null, givenName: null, familyName: null };
  return {
    ok: failure === null,
    connection: policy.connectionId,
    reference,
    failure,
    steps: stepsTo(failure?.code ?? null),
    seen: {
      nameId: { value: assertion.nameId.value, format: assertion.nameId.format },
      attributes: [...assertion.attributes].map(([name, values]) => ({
        name,
        values: values.slice(0, VALUES).map(shorten),
        more: Math.max(0, values.length - VALUES),
      })),
      subject: named.subject,
      profile: { email, given_name: givenName, family_name: familyName },
      mapping,
      roles,
      knownUser: user?.id ?? null,
      clockDifferenceMs: now - assertion.issuedAt,
    },
  };
}

function refusalOfKnown(
  state: Parameters<typeof maySignIn>[0] | null,
  reason: string | null,
  roles: readonly string[],
): SignInTestReport['failure'] {
  if (state !== null && !maySignIn(state)) {
    return { code: 'access.deactivated', expected: 'access', received: `${state}: ${reason}` };
  }
  if (roles.length > 0) return null;
  return { code: 'access.no_role', expected: 'a group that a rule names', received: 'none' };
}

function failureOf(
  code: string,
  detail: Readonly<Record<string, unknown>>,
): NonNullable<SignInTestReport['failure']> {
  const received = detail.received ?? detail.fault ?? detail.unmatched ?? null;
  return { code, expected: detail.expected ?? null, received };
}

function shorten(value: string): string {
  // Half a surrogate pair could not be stored.
  return value.length > VALUE_LENGTH ? `${value.slice(0, VALUE_LENGTH).toWellFormed()}…` : value;
}
