import type { EpochMs } from '@rollcall/shared/core/time';

/** For how long, in milliseconds: who comes later begins by counting. */
const FRESH_MS = 600_000;
/** How many listings are remembered, in this process. */
const REMEMBERED = 1_000;

/** Behind so many rows comes what follows the row of this number. */
interface Place {
  readonly offset: number;
  readonly seq: string;
  readonly at: EpochMs;
}

/**
 * Where clients are who walk through a listing by index: behind so many rows comes this
 * one. The next page then begins there, and not at the beginning, however far that is.
 * Rows that go meanwhile shift nothing: nobody is passed over.
 */
export class Anchors {
  readonly #places = new Map<string, Place>();

  /** The number of the row behind which the page begins; null where nobody was there before. */
  find(listing: string, offset: number, now: EpochMs): string | null {
    const place = this.#places.get(listing);
    if (place === undefined || place.offset !== offset) return null;
    return now - place.at < FRESH_MS ? place.seq : null;
  }

  /** A page has been read that ends behind so many rows. */
  remember(listing: string, place: Place): void {
    this.#places.delete(listing);
    this.#places.set(listing, place);
    const [oldest] = this.#places.keys();
    if (this.#places.size > REMEMBERED && oldest !== undefined) this.#places.delete(oldest);
  }
}
