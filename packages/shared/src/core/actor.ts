import type { Cause } from './lifecycle.ts';

/** Who makes a change. Audited with it. */
export type Actor =
  /** A sign-in vouched for by an assertion of the connection. */
  | { readonly kind: 'assertion'; readonly connection: string; readonly assertionId: string }
  /** A LogoutRequest that the identity provider of the connection has signed. */
  | { readonly kind: 'logout_request'; readonly connection: string; readonly requestId: string }
  /** A LogoutResponse that it has signed. */
  | { readonly kind: 'logout_response'; readonly connection: string; readonly responseId: string }
  /** A run of the sweep. */
  | { readonly kind: 'sweep'; readonly runId: string; readonly digest: string }
  /** A person who takes back what a run of the sweep did. */
  | { readonly kind: 'undo'; readonly runId: string; readonly name: string }
  /** A client that provisions over SCIM, by the token that it brought. */
  | { readonly kind: 'scim'; readonly connection: string; readonly token: string }
  /** A person at the command line or the admin API. */
  | { readonly kind: 'operator'; readonly name: string }
  /** The daily work of retention, which takes access from nobody. */
  | { readonly kind: 'retention' }
  /** The user, through the app. */
  | { readonly kind: 'user'; readonly userId: string };

/** The cause that an actor's deactivation carries; null where it may not deactivate. */
export function causeOf(actor: Actor): Cause | null {
  switch (actor.kind) {
    case 'sweep':
    case 'undo':
      return 'sweep';
    case 'scim':
      return 'scim';
    case 'operator':
      return 'admin';
    case 'assertion':
    case 'logout_request':
    case 'logout_response':
    case 'retention':
    case 'user':
      return null;
    default:
      return actor satisfies never;
  }
}
