import type { EpochMs } from '@rollcall/shared/core/time';
import { currentTime } from '@rollcall/shared/db/timestamp';
import type { Request } from 'express';
import { Passport, Strategy } from 'passport';
import type { SignInResult } from '../provisioning/provision.ts';
import type { PostedForm } from '../saml/raw-response.ts';
import { SamlRefusal } from '../saml/refusal.ts';
import type { SignInConnection } from '../sign-in-connection.ts';
import { viewOf } from './signed-in-user.ts';

type Admitted = Extract<SignInResult, { kind: 'admitted' }>;
type Refused = Extract<SignInResult, { kind: 'refused' }>;

/** How a posted response ended. */
export type SamlSignIn =
  | (Admitted & { readonly returnTo: string; readonly issuedAt: EpochMs })
  | Refused
  /** Neither: something of ours broke. */
  | { readonly kind: 'failed'; readonly error: unknown };

/** What belongs to one request. */
export interface SamlAttempt {
  /** The secret in the browser's cookie; null where it brought none. */
  readonly browser: string | null;
  readonly reference: string;
}

/**
 * Sign-in by a posted SAML response, as a passport strategy. It hands over the
 * body's form and nothing else: `passport-saml` would also take a message out of
 * the query string, and would hand a refusal to the error handler.
 *
 * One instance serves one request, so nothing of one person can leak into
 * another's sign-in.
 */
export class SamlStrategy extends Strategy {
  override readonly name = 'saml';
  readonly #connection: SignInConnection;
  readonly #attempt: SamlAttempt;

  constructor(connection: SignInConnection, attempt: SamlAttempt) {
    super();
    this.#connection = connection;
    this.#attempt = attempt;
  }

  /** Called by passport; ends in `success`, `fail` or `error`. */
  override authenticate(request: Request): void {
    this.#finish(request).then(
      (outcome) => {
        if (outcome.kind === 'admitted') this.success(viewOf(outcome.user, outcome.roles), outcome);
        else this.fail(outcome);
      },
      (error: unknown) => this.error(error),
    );
  }

  /** Runs the strategy within a passport of its own: the host's passport is not touched. */
  run(request: Request, done: (outcome: SamlSignIn) => void): void {
    const passport = new Passport();
    const finish = (error: unknown, _user: unknown, outcome: SamlSignIn): void => {
      if (error !== null && error !== undefined) done({ kind: 'failed', error });
      else done(outcome);
    };
    const authenticate = passport.authenticate(this, { session: false }, finish);
    authenticate(request, request.res, (error: unknown) => done({ kind: 'failed', error }));
  }

  async #finish(request: Request): Promise<Exclude<SamlSignIn, { kind: 'failed' }>> {
    const { browser, reference } = this.#attempt;
    const form = (request.body ?? {}) as PostedForm;
    try {
      return await this.#connection.finish({ form, browser, reference, now: currentTime() });
    } catch (error) {
      // A refusal says what was wrong with the response; anything else, that we are.
      if (!(error instanceof SamlRefusal)) throw error;
      const { code, detail } = error;
      return { kind: 'refused', code, detail, user: null };
    }
  }
}
