import { AppError, type AppErrorOptions } from '../core/errors.ts';

/** What whoever did not take something said of the next attempt. */
export interface Advice {
  /** Not before so many milliseconds. */
  readonly retryAfterMs?: number;
  /** Nobody is there any more: nothing is to be sent until somebody says otherwise. */
  readonly gone?: boolean;
}

/** Something was not taken, by somebody who said when to come again, or not to. */
export class DeliveryFailure extends AppError {
  readonly retryAfterMs: number;
  readonly gone: boolean;

  constructor(code: string, message: string, options: AppErrorOptions & Advice = {}) {
    super(code, message, options);
    this.name = 'DeliveryFailure';
    this.retryAfterMs = options.retryAfterMs ?? 0;
    this.gone = options.gone ?? false;
  }
}
