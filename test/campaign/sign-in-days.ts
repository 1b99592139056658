import { DAY } from './virtual-time.ts';

/** What is known of the days (UTC) of a company: whether one could sign in on them. */
export class SignInDays {
  readonly #days = new Map<number, { accepted: boolean; refused: number }>();

  note(at: number, { accepted, refused }: { accepted: boolean; refused: number }): void {
    const day = Math.floor(at / DAY);
    const known = this.#days.get(day) ?? { accepted: false, refused: 0 };
    this.#days.set(day, {
      accepted: known.accepted || accepted,
      refused: known.refused + refused,
    });
  }

  /** For how many days somebody was silent, of those on which somebody could have come in. */
  silenceSince(last: number, now: number): number {
    const counted = [...this.#days].filter(
      ([day, { accepted, refused }]) =>
        day > Math.floor(last / DAY) && day <= Math.floor(now / DAY) && (accepted || refused < 3),
    );
    return Math.min(counted.length, Math.floor((now - last) / DAY));
  }
}
