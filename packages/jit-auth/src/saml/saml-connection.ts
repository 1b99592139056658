import type { ConnectionId } from '@rollcall/shared/core/ids';
import type { WeakAlgorithm } from './algorithms.ts';
import type { IdentityProvider } from './identity-provider.ts';
import type { LiveIdentityProvider } from './live-identity-provider.ts';
import type { OwnKeys } from './own-keys.ts';

/** How we are known to the identity provider of one connection. */
export interface ServiceProvider {
  /** Our entity id, which is also where our metadata is. */
  readonly entityId: string;
  /** AssertionConsumerServiceURL: where responses are posted. */
  readonly acsUrl: string;
  /** SingleLogoutService, for both bindings. */
  readonly sloUrl: string;
}

/** What sign-ins by one connection need to know. */
export interface SamlConnection {
  readonly id: ConnectionId;
  /**
   * As it is trusted at this moment: read it for each request, never keep it. Throws
   * `connection.unavailable` where nothing is trusted at present.
   */
  readonly idp: IdentityProvider;
  readonly sp: ServiceProvider;
  readonly keys: OwnKeys;
  /** What the identity provider has to sign. */
  readonly signed: 'assertion' | 'response' | 'both';
  /** Whether assertions have to be encrypted, or only may be. */
  readonly encryption: 'optional' | 'required';
  /** What is accepted although it is no longer safe. */
  readonly weakAlgorithms: readonly WeakAlgorithm[];
  /** How far the clocks may differ, in milliseconds. */
  readonly clockSkewMs: number;
  /** AllowCreate of the request's NameIDPolicy (SAML Core §3.4.1.1). */
  readonly allowCreate: boolean;
  /** ForceAuthn of the request (SAML Core §3.4.1). */
  readonly forceAuthn: boolean;
  /** RequestedAuthnContext (SAML Core §3.3.2.2.1): one of these, exactly; empty: any. */
  readonly authnContext: readonly string[];
  /** Whether requests are signed; `auto`: where the identity provider wants it and there is a key. */
  readonly signRequests: 'auto' | 'always' | 'never';
  /** Whether sign-ins may begin at the identity provider (SAML Profiles §4.1.5). */
  readonly idpInitiated: boolean;
}

/** The part of a configured connection that is read here. */
export type ConnectionSettings = Omit<SamlConnection, 'idp' | 'sp' | 'keys'>;

/**
 * Our names for a connection. Each has its own, so that a response for one is
 * worth nothing at another, even where both trust the same key.
 *
 * @param publicUrl the configured `public_url`, with or without a slash at its end.
 */
export function serviceProvider(publicUrl: string, id: ConnectionId): ServiceProvider {
  const base = `${publicUrl.replace(/\/+$/, '')}/saml/${id}`;
  return { entityId: `${base}/metadata`, acsUrl: `${base}/acs`, sloUrl: `${base}/logout` };
}

/** Puts a configured connection and its identity provider together. */
export function samlConnection(
  settings: ConnectionSettings,
  live: LiveIdentityProvider,
  keys: OwnKeys,
  publicUrl: string,
): SamlConnection {
  const { id, signed, encryption, weakAlgorithms, clockSkewMs } = settings;
  const { allowCreate, forceAuthn, authnContext, signRequests, idpInitiated } = settings;
  return {
    id,
    get idp() {
      return live.current();
    },
    sp: serviceProvider(publicUrl, id),
    keys,
    signed,
    encryption,
    weakAlgorithms,
    clockSkewMs,
    allowCreate,
    forceAuthn,
    authnContext,
    signRequests,
    idpInitiated,
  };
}
