/** What we trust of an identity provider: its name, its addresses, its keys. */
export interface IdentityProvider {
  /** Compared byte for byte with every Issuer (SAML Core §8.3.6). */
  readonly entityId: string;
  /** Where an AuthnRequest is sent by HTTP-Redirect (SAML Bindings §3.4). */
  readonly ssoUrl: string;
  /** Where a LogoutRequest is sent; null where the provider offers no single logout. */
  readonly sloUrl: string | null;
  /** Certificates whose keys may sign, each in PEM; at least one. */
  readonly certificates: readonly string[];
  /** The provider refuses requests that are not signed. */
  readonly wantAuthnRequestsSigned: boolean;
}
