/** What an {@link AppError} carries besides its code and its public sentence. */
export interface AppErrorOptions {
  /** The private reason: for the log, never for the browser. */
  readonly cause?: unknown;
  /**
   * Facts for the log, such as `{ expected, received }`. Never a secret: tokens,
   * keys and assertions stay out of errors.
   */
  readonly detail?: Readonly<Record<string, unknown>>;
}

/**
 * An error with a stable code that programs may match, one public sentence that
 * a stranger may read, and a private cause that only the log sees.
 *
 * Codes are `area.what_happened`, for example `saml.audience_mismatch`.
 */
export class AppError extends Error {
  readonly code: string;
  readonly detail: Readonly<Record<string, unknown>>;

  constructor(code: string, publicMessage: string, options: AppErrorOptions = {}) {
    super(publicMessage, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'AppError';
    this.code = code;
    this.detail = options.detail ?? {};
  }
}

/**
 * What went wrong, in the words of whoever threw it. Of several errors in one, as
 * where a name has several addresses, only the code says anything.
 */
export function wordsOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.message !== '') return error.message;
  return 'code' in error ? String(error.code) : error.name;
}

/** The facts of an error for the log; none where nobody foresaw it. */
export function detailOf(error: unknown): Readonly<Record<string, unknown>> {
  return error instanceof AppError ? error.detail : {};
}

/** The stable code of an error, or `internal` for one that nobody foresaw. */
export function codeOf(error: unknown): string {
  return error instanceof AppError ? error.code : 'internal';
}
