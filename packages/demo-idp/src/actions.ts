import type { Directory, PersonView } from './directory.ts';

/** What can be done to a person with one button. */
export const ACTIONS = ['disable', 'remove', 'unassign', 'restore'] as const;

export type Action = (typeof ACTIONS)[number];

/** Whether a value from outside is the name of an action. */
export function isAction(value: unknown): value is Action {
  return ACTIONS.some((action) => action === value);
}

/** @throws DemoIdpError `demo_idp.person_unknown` */
export function applyAction(directory: Directory, action: Action, id: string): PersonView {
  switch (action) {
    case 'disable':
      return directory.disable(id);
    case 'remove':
      return directory.remove(id);
    case 'unassign':
      return directory.unassign(id);
    case 'restore':
      return directory.restore(id);
  }
}
