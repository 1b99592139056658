import { AppError } from '@rollcall/shared/core/errors';

/** Runs one command of a store. A store that fails lets nobody in: `saml.replay_memory_unavailable`. */
export async function orUnavailable<T>(store: string, command: () => Promise<T>): Promise<T> {
  try {
    return await command();
  } catch (cause) {
    throw new AppError(
      'saml.replay_memory_unavailable',
      'The sign-in could not be completed just now. Please try again in a moment.',
      { cause, detail: { expected: `${store} answers`, received: 'an error' } },
    );
  }
}
