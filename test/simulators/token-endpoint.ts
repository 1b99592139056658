import { createHash, createPublicKey, type JsonWebKey, type KeyObject, verify } from 'node:crypto';
import {
  json,
  type ScriptedAnswer,
  type ScriptedRequest,
} from '../conformance/directories/scripted-server.ts';

/** Who gets a token, and how. */
export interface TokenEndpointOptions {
  readonly path: string;
  readonly clientId: string;
  /** By `private_key_jwt` (RFC 7523); with {@link secret} left out. */
  readonly publicKey?: KeyObject;
  /** By `client_secret_post`. */
  readonly secret?: string;
  /** By an assertion that somebody else signed. */
  readonly federatedToken?: string;
  /** What an assertion must be for; the endpoint itself by default. */
  readonly audience?: string;
  /** Whether tokens are bound to a key of the client (RFC 9449), with a nonce of the server. */
  readonly dpop?: boolean;
  /** What the answer says of itself besides. */
  readonly more?: object;
}

export interface TokenEndpoint {
  /**
   * The answer to a request for a token, or that of `refuse` to a request without a good
   * one; null where the request may be answered.
   */
  answer(request: ScriptedRequest, refuse: () => ScriptedAnswer): ScriptedAnswer | null;
  /** No token of before is good any more. */
  revoke(): void;
}

const NONCE = 'nonce-of-the-server';

/** A token endpoint that checks what a real one checks: signature, audience, age, reuse, proof. */
export function tokenEndpoint(options: TokenEndpointOptions): TokenEndpoint {
  const used = new Set<string>();
  const good = new Map<string, string | null>();
  let issued = 0;
  const issue = (request: ScriptedRequest): ScriptedAnswer => {
    if (!isClient(request, options, used)) return json(401, { error: 'invalid_client' });
    let thumbprint: string | null = null;
    if (options.dpop === true) {
      const proof = readProof(request, used);
      if (proof === null) return json(400, { error: 'invalid_dpop_proof' });
      if (proof.nonce !== NONCE) {
        return { ...json(400, { error: 'use_dpop_nonce' }), headers: { 'dpop-nonce': NONCE } };
      }
      thumbprint = proof.thumbprint;
    }
    const token = `scripted-token-${++issued}`;
    good.set(token, thumbprint);
    const type = options.dpop === true ? 'DPoP' : 'Bearer';
    const scope = request.form.get('scope') ?? undefined;
    return json(200, {
      access_token: token,
      token_type: type,
      expires_in: 3600,
      scope,
      ...options.more,
    });
  };
  const isAllowed = (request: ScriptedRequest): boolean => {
    const [scheme, token = ''] = (request.authorization ?? '').split(' ');
    const thumbprint = good.get(token);
    if (thumbprint === undefined) return false;
    if (thumbprint === null) return scheme === 'Bearer';
    const proof = readProof(request, used);
    return (
      scheme === 'DPoP' &&
      proof !== null &&
      proof.thumbprint === thumbprint &&
      proof.ath === createHash('sha256').update(token).digest('base64url')
    );
  };
  return {
    answer: (request, refuse) => {
      if (request.path === options.path) return issue(request);
      return isAllowed(request) ? null : refuse();
    },
    revoke: () => good.clear(),
  };
}

function isClient(
  request: ScriptedRequest,
  options: TokenEndpointOptions,
  used: Set<string>,
): boolean {
  const { form } = request;
  if (form.get('grant_type') !== 'client_credentials') return false;
  if (form.get('client_id') !== options.clientId) return false;
  if (options.secret !== undefined) return form.get('client_secret') === options.secret;
  const assertion = form.get('client_assertion') ?? '';
  if (options.federatedToken !== undefined) return assertion === options.federatedToken;
  const jwt = readJwt(assertion, options.publicKey ?? null);
  if (jwt === null) return false;
  const { iss, sub, aud, exp, jti } = jwt.claims;
  const now = Date.now() / 1_000;
  const fresh = typeof exp === 'number' && exp > now && exp <= now + 300;
  if (typeof jti !== 'string' || used.has(jti) || !fresh) return false;
  used.add(jti);
  const audience = options.audience ?? `${request.origin}${options.path}`;
  return iss === options.clientId && sub === options.clientId && aud === audience;
}

interface Proof {
  readonly thumbprint: string;
  readonly nonce: unknown;
  readonly ath: unknown;
}

/** RFC 9449 §4.3; null where a check fails. */
function readProof(request: ScriptedRequest, used: Set<string>): Proof | null {
  const proof = String(request.headers.dpop ?? '');
  const jwk = readJwt(proof, null)?.header.jwk as (JsonWebKey & Record<string, string>) | undefined;
  if (jwk === undefined || 'd' in jwk) return null;
  const jwt = readJwt(proof, createPublicKey({ key: jwk, format: 'jwk' }));
  if (jwt === null || jwt.header.typ !== 'dpop+jwt') return null;
  const { htm, htu, jti, nonce, ath } = jwt.claims;
  if (htm !== request.method || htu !== `${request.origin}${request.rawPath}`) return null;
  if (typeof jti !== 'string' || used.has(jti)) return null;
  used.add(jti);
  // RFC 7638 §3.2: the required members in this order.
  const canonical = JSON.stringify({ crv: jwk.crv, kty: jwk.kty, x: jwk.x, y: jwk.y });
  const thumbprint = createHash('sha256').update(canonical).digest('base64url');
  return { thumbprint, nonce, ath };
}

interface Jwt {
  readonly header: Readonly<Record<string, unknown>>;
  readonly claims: Readonly<Record<string, unknown>>;
}

/** Null where it is none, or is not signed by the key that is given. */
function readJwt(text: string, key: KeyObject | null): Jwt | null {
  const [header = '', claims = '', signature = ''] = text.split('.');
  try {
    const read = (part: string) => JSON.parse(Buffer.from(part, 'base64url').toString()) as object;
    const jwt = { header: read(header), claims: read(claims) } as Jwt;
    if (key === null) return jwt;
    const bytes = Buffer.from(`${header}.${claims}`);
    const settings =
      jwt.header.alg === 'ES256' ? { key, dsaEncoding: 'ieee-p1363' as const } : { key };
    return verify('sha256', bytes, settings, Buffer.from(signature, 'base64url')) ? jwt : null;
  } catch {
    return null;
  }
}
