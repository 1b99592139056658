import { verifyFirst } from '@rollcall/jit-auth/saml/first-verifier';
import { hashBrowser, rememberRequest } from '@rollcall/jit-auth/saml/pending-request';
import { readRawResponse } from '@rollcall/jit-auth/saml/raw-response';
import { SamlRefusal } from '@rollcall/jit-auth/saml/refusal';
import type { ReplayMemory } from '@rollcall/jit-auth/saml/replay-memory';
import { termsOf } from '@rollcall/jit-auth/saml/verification-terms';
import { verifyResponse } from '@rollcall/jit-auth/saml/verify';
import { currentTime } from '@rollcall/shared/db/timestamp';
import type { Operation } from '../frame/entry.ts';
import type { Posted } from './posted.ts';
import type { SignInWorld } from './world.ts';

const REFERENCE = '0000-000000';

/** The whole sign-in; throws unless it admits, and creates the user exactly where it should. */
export function signInFully(
  { signIn }: Pick<SignInWorld, 'signIn'>,
  posted: Posted,
  created: boolean,
): Operation {
  const { form, browser } = posted;
  return async () => {
    const ended = await signIn.finish({ form, browser, reference: REFERENCE, now: currentTime() });
    if (ended.kind !== 'admitted') throw new Error(`expected admission, received ${ended.code}`);
    if (ended.created !== created) {
      throw new Error(`expected created ${created}, received ${ended.created}`);
    }
  };
}

/**
 * Posts whatever it is and says how that ended: `admitted`, or the code of the
 * refusal. Throws where it was neither, but our own failure.
 */
export async function answerOf({ signIn }: SignInWorld, posted: Posted): Promise<string> {
  const { form, browser } = posted;
  try {
    const ended = await signIn.finish({ form, browser, reference: REFERENCE, now: currentTime() });
    return ended.kind === 'admitted' ? ended.kind : ended.code;
  } catch (error) {
    if (error instanceof SamlRefusal) return error.code;
    throw error;
  }
}

/** The checks of the text and the first verifier (libxml2, node:crypto). */
export function verifyWithFirst({ saml }: SignInWorld, posted: Posted): Operation {
  return () => {
    const terms = termsOf(saml);
    const { xml } = readRawResponse(posted.form, terms.allowed);
    const { facts } = verifyFirst(xml, terms);
    requireSubject(posted, facts.assertion.nameId?.value);
  };
}

/** Everything that is verified, with a replay memory in this process. */
export async function verifyWithBoth(
  { saml }: SignInWorld,
  posted: Posted,
  memory: ReplayMemory,
): Promise<Operation> {
  const { requestId, browser, form } = posted;
  const relayState = await rememberRequest(memory, {
    requestId,
    connectionId: saml.id,
    browserHash: hashBrowser(browser),
    returnTo: '/',
    createdAt: currentTime(),
  });
  return async () => {
    const { assertion } = await verifyResponse(
      { form: { ...form, RelayState: relayState }, browser },
      { connection: saml, memory, now: currentTime() },
    );
    requireSubject(posted, assertion.nameId.value);
  };
}

function requireSubject({ subject }: Posted, received: string | undefined): void {
  if (received !== subject) throw new Error(`expected ${subject}, received ${received}`);
}
