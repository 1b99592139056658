import { DemoIdpError } from './errors.ts';
import { type Fault, isFault } from './faults.ts';
import {
  createPerson,
  type GroupRecord,
  type NewPerson,
  type PersonRecord,
  type PersonState,
  stateOf,
  withEveryone,
} from './people.ts';
import type { IdpState } from './state.ts';

/** A person together with the one state that a page shows. */
export interface PersonView extends PersonRecord {
  readonly state: PersonState;
}

/**
 * The directory: who there is, who is disabled, removed or unassigned, and
 * which fault it suffers from. Every change is stored before it is seen; where
 * it cannot be stored it does not happen.
 */
export class Directory {
  #state: IdpState;
  readonly #save: (state: IdpState) => void;
  readonly #now: () => number;

  constructor(state: IdpState, save: (state: IdpState) => void, now: () => number) {
    this.#state = state;
    this.#save = save;
    this.#now = now;
  }

  /** Everybody, removed people included, in the order in which they were added. */
  people(): readonly PersonView[] {
    return this.#state.people.map(viewPerson);
  }

  /** Everybody whom the directory admits to: all but the removed. */
  listed(): readonly PersonView[] {
    return this.people().filter((person) => !person.removed);
  }

  /** @throws DemoIdpError `demo_idp.person_unknown` */
  person(id: string): PersonView {
    const person = this.find(id);
    if (person !== undefined) return person;
    throw new DemoIdpError(
      'demo_idp.person_unknown',
      `No person has the id ${JSON.stringify(id)}.`,
    );
  }

  /** The person with that id, removed or not. */
  find(id: string): PersonView | undefined {
    const person = this.#state.people.find((one) => one.id === id);
    return person === undefined ? undefined : viewPerson(person);
  }

  groups(): readonly GroupRecord[] {
    return this.#state.groups;
  }

  /** The groups of a person, the assignment group included. */
  groupsOf(person: PersonRecord): readonly GroupRecord[] {
    return this.groups().filter((group) =>
      group.kind === 'assignment' ? person.assigned : person.groups.includes(group.name),
    );
  }

  fault(): Fault {
    return this.#state.fault;
  }

  /** Sets the fault of the directory; null mends it. */
  setFault(fault: Fault | null): void {
    const next = fault ?? 'none';
    if (!isFault(next)) {
      throw new DemoIdpError('demo_idp.fault_unknown', `No fault is called ${String(next)}.`);
    }
    this.#replace({ ...this.#state, fault: next });
  }

  /** Adds a person, for tests and larger directories. */
  add(person: NewPerson): PersonView {
    if (this.find(person.id) !== undefined) {
      throw new DemoIdpError('demo_idp.person_exists', `Somebody already has the id ${person.id}.`);
    }
    this.#checkGroups(person.groups ?? []);
    const record = createPerson(person, this.#now());
    this.#replace({ ...this.#state, people: [...this.#state.people, record] });
    return viewPerson(record);
  }

  /** Stays in the directory with `active: false`. */
  disable(id: string): PersonView {
    return this.#change(id, { disabled: true });
  }

  /** Disappears from listings and look-ups. */
  remove(id: string): PersonView {
    return this.#change(id, { removed: true });
  }

  /** Leaves the assignment group, and stays otherwise as they are. */
  unassign(id: string): PersonView {
    return this.#change(id, { assigned: false });
  }

  /** Present, enabled and assigned again, under the same id. Groups stay as they are. */
  restore(id: string): PersonView {
    return this.#change(id, { disabled: false, removed: false, assigned: true });
  }

  /**
   * Sets the groups of a person by name. Nobody can leave `Everyone`; the
   * assignment group is left with {@link Directory.unassign}.
   *
   * @throws DemoIdpError `demo_idp.group_unknown`
   */
  regroup(id: string, names: readonly string[]): PersonView {
    this.#checkGroups(names);
    return this.#change(id, { groups: withEveryone(names) });
  }

  #checkGroups(names: readonly string[]): void {
    const known = this.groups().filter(({ kind }) => kind !== 'assignment');
    for (const name of names) {
      if (known.some((group) => group.name === name)) continue;
      throw new DemoIdpError(
        'demo_idp.group_unknown',
        `No group is called ${JSON.stringify(name)}; there are ${known.map((group) => group.name).join(', ')}.`,
      );
    }
  }

  #change(id: string, change: Partial<PersonRecord>): PersonView {
    const changed = { ...this.#record(id), ...change, changedAt: this.#now() };
    const people = this.#state.people.map((person) => (person.id === id ? changed : person));
    this.#replace({ ...this.#state, people });
    return viewPerson(changed);
  }

  #record(id: string): PersonRecord {
    const { state: _shown, ...record } = this.person(id);
    return record;
  }

  #replace(next: IdpState): void {
    this.#save(next);
    this.#state = next;
  }
}

function viewPerson(person: PersonRecord): PersonView {
  return { ...person, state: stateOf(person) };
}
