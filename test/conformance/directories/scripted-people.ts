/** A person in a scripted directory. */
export interface ScriptedPerson {
  readonly id: string;
  readonly name: string;
  readonly enabled: boolean;
  readonly assigned: boolean;
  readonly groups: readonly string[];
}

/** Nine people, so that three fit on each of three pages and something is left to leave and join. */
export function somePeople(): ScriptedPerson[] {
  return [
    person(1, 'ada', ['analysts', 'editors']),
    person(2, 'alan', ['analysts']),
    { ...person(3, 'charles', ['analysts']), enabled: false },
    person(4, 'edsger', ['editors']),
    person(5, 'emilie', []),
    { ...person(6, 'grace', ['admins']), assigned: false },
    person(7, 'hedy', ['editors']),
    person(8, 'katherine', ['admins', 'analysts']),
    person(9, 'margaret', []),
  ];
}

/** A person with the id `id-0N`, enabled and assigned. */
export function person(
  number: number,
  name: string,
  groups: readonly string[] = [],
): ScriptedPerson {
  const id = `id-${String(number).padStart(2, '0')}`;
  return { id, name, enabled: true, assigned: true, groups };
}

export const GROUPS = ['admins', 'analysts', 'editors'] as const;
export const ASSIGNMENT_GROUP = 'App Users';
