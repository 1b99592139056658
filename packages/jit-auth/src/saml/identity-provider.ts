/** A SingleLogoutService (SAML Metadata §2.4.1, §2.2.2). */
export interface LogoutEndpoint {
  readonly binding: 'redirect' | 'post';
  /** Where a LogoutRequest is sent. */
  readonly url: string;
  /** Where a LogoutResponse is sent: ResponseLocation, else the same. */
  readonly responseUrl: string;
}

/** What we trust of an identity provider: its name, its addresses, its keys. */
export interface IdentityProvider {
  /** Compared byte for byte with every Issuer (SAML Core §8.3.6). */
  readonly entityId: string;
  /** Where an AuthnRequest is sent by HTTP-Redirect (SAML Bindings §3.4). */
  readonly ssoUrl: string;
  /** Where logout messages are sent, the preferred one first; none where there is no single logout. */
  readonly logoutEndpoints: readonly LogoutEndpoint[];
  /** Certificates whose keys may sign, each in PEM; at least one. */
  readonly certificates: readonly string[];
  /** The provider refuses requests that are not signed. */
  readonly wantAuthnRequestsSigned: boolean;
}
