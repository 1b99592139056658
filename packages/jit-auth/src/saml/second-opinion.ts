import { AppError } from '@rollcall/shared/core/errors';
import { type SecondQuestion, type SecondReading, verifySecond } from './second-verifier.ts';

/**
 * Where the second verifier is asked. Whatever comes back can only refuse: what is used
 * is what the first verifier read, and the answer must agree with that in every byte.
 */
export interface SecondOpinion {
  /**
   * Keeps a place for one question, before anything is used up that the question is
   * about. Throws `saml.verifier_busy` where too many wait already.
   */
  reserve(): Place;
  /** Lets go of what it holds; questions that wait then fail. May be called twice. */
  close(): Promise<void>;
}

/** The place of one question. Let go of it, whether it was asked or not. */
export interface Place {
  /**
   * Throws what `verifySecond` throws, and `saml.verifier_failed` where there was no
   * answer: it crashed, it took too long, it said something that makes no sense.
   */
  ask(question: SecondQuestion): Promise<SecondReading>;
  release(): void;
}

/** Asks on the thread that everything else runs on. */
export const ON_THIS_THREAD: SecondOpinion = {
  reserve: () => ({ ask: verifySecond, release: () => undefined }),
  close: async () => undefined,
};

/** What a person reads for whom there was no room, or no answer. Nothing was wrong with them. */
const TRY_AGAIN = 'Too many people are signing in at once. Please try again in a moment.';

/** Nothing of the sign-in has been used up yet: the browser may send it again as it is. */
export function verifierBusy(places: number): AppError {
  const detail = { expected: `at most ${places} questions at once`, received: 'one more' };
  return new AppError('saml.verifier_busy', TRY_AGAIN, { detail });
}

/** The sign-in is refused, and the person starts again. */
export function verifierFailed(received: string, cause?: unknown): AppError {
  return new AppError('saml.verifier_failed', 'Please start the sign-in again.', {
    detail: { expected: 'an answer of the second verifier', received },
    ...(cause === undefined ? {} : { cause }),
  });
}
