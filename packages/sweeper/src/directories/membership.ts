/** One combination of groups, and the combinations that one more group leads to. */
interface Combination {
  readonly groups: readonly string[];
  readonly larger: Map<string, Combination>;
}

const NONE: readonly string[] = [];

/**
 * Who is in which groups, gathered group by group. People with the same groups
 * share one list, so that a million people cost a million references, not lists.
 */
export class Membership {
  readonly #empty: Combination = { groups: NONE, larger: new Map() };
  readonly #people = new Map<string, Combination>();

  /** Adds a person to a group. Twice is once. */
  add(personId: string, group: string): void {
    const combination = this.#people.get(personId) ?? this.#empty;
    if (combination.groups.includes(group)) return;
    let larger = combination.larger.get(group);
    if (larger === undefined) {
      larger = { groups: [...combination.groups, group], larger: new Map() };
      combination.larger.set(group, larger);
    }
    this.#people.set(personId, larger);
  }

  /** In the order in which they were added; empty for people who were never added. */
  groupsOf(personId: string): readonly string[] {
    return this.#people.get(personId)?.groups ?? NONE;
  }
}
