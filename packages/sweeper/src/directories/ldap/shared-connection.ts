import type { LdapConnection } from './connection.ts';

/** So long an idle connection stays open, in milliseconds: look-ups come in crowds. */
const IDLE_MS = 10_000;

/** One connection for look-ups that follow each other. One that has failed is not used again. */
export class SharedConnection {
  readonly #open: (signal: AbortSignal) => Promise<LdapConnection>;
  #current: Promise<LdapConnection> | null = null;
  #users = 0;
  #idle: NodeJS.Timeout | undefined;

  constructor(open: (signal: AbortSignal) => Promise<LdapConnection>) {
    this.#open = open;
  }

  /** Throws what `work` throws, and what opening a connection throws. */
  async use<Result>(
    signal: AbortSignal,
    work: (connection: LdapConnection) => Promise<Result>,
  ): Promise<Result> {
    clearTimeout(this.#idle);
    this.#users += 1;
    this.#current ??= this.#open(signal);
    const opening = this.#current;
    try {
      return await work(await opening);
    } catch (error) {
      if (this.#current === opening) this.#current = null;
      opening.then((connection) => connection.close()).catch(() => undefined);
      throw error;
    } finally {
      this.#users -= 1;
      if (this.#users === 0) this.#closeLater();
    }
  }

  #closeLater(): void {
    this.#idle = setTimeout(() => {
      const { users, current } = { users: this.#users, current: this.#current };
      if (users > 0 || current === null) return;
      this.#current = null;
      current.then((connection) => connection.close()).catch(() => undefined);
    }, IDLE_MS);
    this.#idle.unref();
  }
}
