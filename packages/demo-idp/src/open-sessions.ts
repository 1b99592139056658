/** A sign-in that this IdP has vouched for, and nobody has signed out of. */
export interface OpenSession {
  readonly index: string;
  readonly personId: string;
  readonly nameId: string;
  readonly nameIdFormat: string;
  /** Entity id of the application. */
  readonly provider: string;
}

/** More are forgotten, the oldest first: a demo runs for days. */
const MOST = 1000;

/** Who is signed in where. In memory only: a restart forgets it. */
export class OpenSessions {
  #open: readonly OpenSession[] = [];

  add(session: OpenSession): void {
    this.#open = [...this.#open, session].slice(-MOST);
  }

  of(personId: string): readonly OpenSession[] {
    return this.#open.filter((session) => session.personId === personId);
  }

  /** Those that an application names (SAML Core §3.7.1): no index means all of the NameID. */
  named(provider: string, nameId: string, indexes: readonly string[]): readonly OpenSession[] {
    return this.#open.filter(
      (session) =>
        session.provider === provider &&
        session.nameId === nameId &&
        (indexes.length === 0 || indexes.includes(session.index)),
    );
  }

  end(ended: readonly OpenSession[]): void {
    this.#open = this.#open.filter((session) => !ended.includes(session));
  }
}
