import type { RolePreview } from '../core/role-preview.ts';
import type { RoleMapping } from '../core/roles.ts';

/** How far a step of a test sign-in came. */
export type StepState = 'passed' | 'failed' | 'not reached';

/** What a test sign-in showed. Plain JSON: it is stored between browser and command line. */
export interface SignInTestReport {
  /** Whether a sign-in like this one would be let in. */
  readonly ok: boolean;
  readonly connection: string;
  readonly reference: string;
  /** Null where nothing was wrong. */
  readonly failure: {
    readonly code: string;
    readonly expected: unknown;
    readonly received: unknown;
  } | null;
  readonly steps: readonly { readonly step: string; readonly state: StepState }[];
  /** Null where the response did not verify: then nothing that it says is believed. */
  readonly seen: {
    readonly nameId: { readonly value: string; readonly format: string | null };
    readonly attributes: readonly {
      readonly name: string;
      readonly values: readonly string[];
      /** How many more values there were, or 0. */
      readonly more: number;
    }[];
    readonly subject: string | null;
    readonly profile: Readonly<Record<string, string | null>>;
    readonly mapping: RoleMapping | null;
    /** What the roles would be; null where nobody would be let in. */
    readonly roles: RolePreview | null;
    readonly knownUser: string | null;
    /** Our clock less the one of the identity provider, in milliseconds, with the way of the browser. */
    readonly clockDifferenceMs: number;
  } | null;
}

/** The order in which a response is checked, and the codes with which each step fails. */
const STEPS: readonly (readonly [string, RegExp])[] = [
  [
    'the message is XML of the right form',
    /^saml\.(response_|bad_base64|too_(large|many|deep)|bad_utf8|not_xml|forbidden|algorithm|not_one_assertion|malformed)/,
  ],
  ['it is encrypted for us where it must be', /^saml\.(encrypted|not_encrypted|decryption)/],
  [
    'it is signed by the identity provider',
    /^saml\.(signature|reference|not_canonical|digest|too_much_unsigned)/,
  ],
  [
    'it answers our request, in this browser',
    /^saml\.(request_unknown|other_browser|unsolicited|in_response_to)/,
  ],
  [
    'issuer, recipient, audience and times are right',
    /^saml\.(version|status|issuer|destination|bad_instant|issued|too_old|name_id|subject|recipient|confirmation|condition|not_yet|expired|window|audience|not_one_authn|authn|session_expired)/,
  ],
  ['the second verifier agrees', /^saml\.(second_verifier|verifiers?_)/],
  ['it was not used before', /^saml\.replay/],
  ['it names a person', /^identity\./],
  ['the person would be let in', /^access\./],
];

/** How far a response came that failed with a code, or, with null, did not fail. */
export function stepsTo(code: string | null): SignInTestReport['steps'] {
  const failed = code === null ? STEPS.length : STEPS.findIndex(([, codes]) => codes.test(code));
  return STEPS.map(([step], index) => {
    const state = index === failed ? 'failed' : index < failed ? 'passed' : 'not reached';
    return { step, state };
  });
}
