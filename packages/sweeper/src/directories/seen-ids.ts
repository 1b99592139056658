const FIRST_SLOTS = 1_024;
const LOAD = 0.6;

/**
 * Remembers which ids a listing has had, in 8 to 27 bytes for each instead of
 * some hundred: a million people fit in 32 MB. It keeps 63 bits of each id, so a
 * false alarm among a million ids has odds of about 1 in 20 million, and an
 * alarm only voids a listing. A repeated id is never missed.
 */
export class SeenIds {
  #slots = new Uint32Array(FIRST_SLOTS * 2);
  #count = 0;

  /** How many ids it has had, each counted once. */
  get count(): number {
    return this.#count;
  }

  /** Adds an id. False where it was there already. */
  add(id: string): boolean {
    if (this.#count + 1 > (this.#slots.length / 2) * LOAD) this.#grow();
    const [high, low] = hash(id);
    if (!insert(this.#slots, high, low)) return false;
    this.#count++;
    return true;
  }

  /** Whether an id was added; true for one that was not with the odds above. */
  has(id: string): boolean {
    const [high, low] = hash(id);
    const mask = this.#slots.length / 2 - 1;
    for (let slot = low & mask; ; slot = (slot + 1) & mask) {
      const used = this.#slots[slot * 2];
      if (used === 0) return false;
      if (used === high && this.#slots[slot * 2 + 1] === low) return true;
    }
  }

  #grow(): void {
    const larger = new Uint32Array(this.#slots.length * 2);
    for (let at = 0; at < this.#slots.length; at += 2) {
      const high = this.#slots[at] ?? 0;
      if (high !== 0) insert(larger, high, this.#slots[at + 1] ?? 0);
    }
    this.#slots = larger;
  }
}

/** Open addressing. A hash never begins with zero, which marks a free slot. */
function insert(slots: Uint32Array, high: number, low: number): boolean {
  const mask = slots.length / 2 - 1;
  for (let slot = low & mask; ; slot = (slot + 1) & mask) {
    const usedHigh = slots[slot * 2];
    if (usedHigh === high && slots[slot * 2 + 1] === low) return false;
    if (usedHigh === 0) {
      slots[slot * 2] = high;
      slots[slot * 2 + 1] = low;
      return true;
    }
  }
}

/** Two multiplicative hashes of 32 bits, each turned after every character, then mixed. */
function hash(text: string): readonly [number, number] {
  let [a, b] = [0x9e3779b1, 0x85ebca77];
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index);
    a = Math.imul(a ^ unit, 0x27d4eb2f);
    a = (a << 13) | (a >>> 19);
    b = Math.imul(b ^ unit, 0x165667b1);
    b = (b << 17) | (b >>> 15);
  }
  a = Math.imul(a ^ (a >>> 16), 0x7feb352d) ^ Math.imul(b ^ (b >>> 13), 0x846ca68b);
  b = Math.imul(b ^ (b >>> 16), 0x7feb352d) ^ Math.imul(a ^ (a >>> 13), 0x846ca68b);
  // One bit is always set: zeros mark a free slot.
  return [(a | 1) >>> 0, b >>> 0];
}
