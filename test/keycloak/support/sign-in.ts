import { randomBytes } from 'node:crypto';
import { deflateRawSync } from 'node:zlib';
import type { Keycloak } from './server.ts';

/** Where a sign-in starts. */
export interface SignInStart {
  /** Where the browser is sent with an AuthnRequest: Keycloak's SSO URL with its query. */
  readonly redirectUrl: string;
}

/** What Keycloak's last page would have the browser post to the service provider. */
export interface PostedResponse {
  readonly acsUrl: string;
  /** Base64. */
  readonly samlResponse: string;
  readonly relayState: string | null;
}

/** An AuthnRequest by HTTP-Redirect (SAML Bindings §3.4.4), as a service provider would send it. */
export function startSignIn(keycloak: Keycloak, spEntityId: string, acsUrl: string): SignInStart {
  const xml =
    `<samlp:AuthnRequest xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" ` +
    `xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" ID="_${randomBytes(16).toString('hex')}" ` +
    `Version="2.0" IssueInstant="${new Date().toISOString()}" ` +
    `AssertionConsumerServiceURL="${acsUrl}" ` +
    `ProtocolBinding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST">` +
    `<saml:Issuer>${spEntityId}</saml:Issuer></samlp:AuthnRequest>`;
  const query = new URLSearchParams({
    SAMLRequest: deflateRawSync(xml).toString('base64'),
    RelayState: 'from-the-test',
  });
  return { redirectUrl: `${keycloak.url}/realms/${keycloak.realm}/protocol/saml?${query}` };
}

/**
 * Signs a person in on Keycloak's own page, as a browser without scripts would,
 * and returns what its last page posts.
 */
export async function signIn(
  start: SignInStart,
  username: string,
  password: string,
): Promise<PostedResponse> {
  const cookies = new Map<string, string>();
  const page = await visit(start.redirectUrl, cookies);
  const action = readAttribute(page, /<form[^>]*id="kc-form-login"[^>]*>/, 'action');
  const answer = await visit(action, cookies, new URLSearchParams({ username, password }));
  const acsUrl = readAttribute(answer, /<form[^>]*>/i, 'action');
  const samlResponse = readAttribute(answer, /<input[^>]*name="SAMLResponse"[^>]*>/i, 'value');
  const relay = /<input[^>]*name="RelayState"[^>]*>/i;
  const relayState = relay.test(answer) ? readAttribute(answer, relay, 'value') : null;
  return { acsUrl, samlResponse, relayState };
}

async function visit(
  address: string,
  cookies: Map<string, string>,
  form?: URLSearchParams,
): Promise<string> {
  let url = address;
  let body = form;
  for (let hops = 0; hops < 10; hops++) {
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const response = await fetch(url, {
      method: body === undefined ? 'GET' : 'POST',
      redirect: 'manual',
      headers: { cookie },
      ...(body === undefined ? {} : { body }),
    });
    for (const line of response.headers.getSetCookie()) {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      if (name !== undefined && value !== undefined) cookies.set(name, value);
    }
    const location = response.headers.get('location');
    const text = await response.text();
    if (location === null) {
      if (!response.ok) throw new Error(`${new URL(url).pathname} answered ${response.status}`);
      return text;
    }
    url = new URL(location, url).href;
    body = undefined;
  }
  throw new Error('Keycloak redirected too often');
}

function readAttribute(html: string, element: RegExp, name: string): string {
  const [tag] = element.exec(html) ?? [];
  const [, value] = new RegExp(`\\s${name}="([^"]*)"`, 'i').exec(tag ?? '') ?? [];
  if (value === undefined) throw new Error(`the page has no ${element.source} with ${name}`);
  return value
    .replaceAll('&quot;', '"')
    .replaceAll('&#x2b;', '+')
    .replaceAll('&#43;', '+')
    .replaceAll('&amp;', '&');
}
