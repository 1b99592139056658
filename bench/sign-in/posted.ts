import { inflateRawSync } from 'node:zlib';
import { newSecret } from '@rollcall/jit-auth/saml/pending-request';
import { currentTime } from '@rollcall/shared/db/timestamp';
import type { SignInWorld } from './world.ts';

/** A request that waits for its response in the service's own memory. */
export interface Waiting {
  readonly requestId: string;
  readonly relayState: string;
  /** The secret in the browser's cookie. */
  readonly browser: string;
}

/** A response that is ready to be posted. */
export interface Posted extends Waiting {
  readonly subject: string;
  readonly xml: string;
  readonly form: { readonly SAMLResponse: string; readonly RelayState: string };
}

/** Starts a sign-in as a browser does. */
export async function startWaiting({ signIn }: SignInWorld): Promise<Waiting> {
  const browser = newSecret();
  const url = new URL(await signIn.start(browser, '/', currentTime()));
  const request = inflateRawSync(Buffer.from(url.searchParams.get('SAMLRequest') ?? '', 'base64'));
  const requestId = /\sID="([^"]+)"/.exec(request.toString('utf8'))?.[1];
  const relayState = url.searchParams.get('RelayState');
  if (requestId === undefined || relayState === null) {
    throw new Error('expected an AuthnRequest with ID and RelayState');
  }
  return { requestId, relayState, browser };
}

/** Starts a sign-in and lets the identity provider answer it. */
export async function preparePosted(
  world: SignInWorld,
  subject: string,
  groups: number,
): Promise<Posted> {
  const waiting = await startWaiting(world);
  const { acsUrl, entityId } = world.saml.sp;
  const addressee = { acsUrl, audience: entityId, requestId: waiting.requestId };
  return post(waiting, subject, world.idp.respond(addressee, subject, groups));
}

/** Puts a response, or what somebody made of one, into the form of a waiting browser. */
export function post(waiting: Waiting, subject: string, xml: string): Posted {
  const SAMLResponse = Buffer.from(xml, 'utf8').toString('base64');
  return { ...waiting, subject, xml, form: { SAMLResponse, RelayState: waiting.relayState } };
}
