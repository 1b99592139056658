/** One thing in the product that is broken on purpose. */
export interface Break {
  readonly name: string;
  /** What of the promises it takes away, in words. */
  readonly about: string;
  /** More than one where two guards stand behind each other. */
  readonly edits: readonly Edit[];
}

interface Edit {
  /** Under `packages`. */
  readonly file: string;
  readonly from: RegExp;
  readonly to: string;
}

const RECONCILE = 'sweeper/src/reconcile';
const ACCESS = 'shared/src/access';

/** Breaks of each promise. Names of functions are all that most of them hang on. */
export const BREAKS: readonly Break[] = [
  {
    name: 'any_listing',
    about: 'every listing counts as complete, however it ended',
    edits: [
      {
        file: `${RECONCILE}/completeness.ts`,
        from: /function findDoubt\([^{]*\{/,
        to: '$& return null;',
      },
    ],
  },
  {
    name: 'shrunk_listing',
    about: 'a listing may lose any number of people',
    edits: [
      {
        file: `${RECONCILE}/completeness.ts`,
        from: /export function isShrunk\([^{]*\{/,
        to: '$& return false;',
      },
    ],
  },
  {
    name: 'zero_rows',
    about: 'an empty listing counts',
    edits: [
      {
        file: `${RECONCILE}/completeness.ts`,
        from: /function findDoubt\([^{]*\{/,
        to: '$& if (proof.rows === 0) return null;',
      },
    ],
  },
  {
    name: 'one_look_up',
    about: 'one look-up confirms an absence',
    edits: [
      {
        file: `${RECONCILE}/absence.ts`,
        from: /function isConfirmed\([^{]*\{/,
        to: '$& return true;',
      },
    ],
  },
  {
    name: 'no_canary',
    about: '"no such person" counts without a canary',
    edits: [
      {
        file: 'sweeper/src/sweep/look-ups.ts',
        from: /async function isThere\([^{]*\{/,
        to: '$& if (Date.now() > 0) return true;',
      },
    ],
  },
  {
    name: 'no_brake',
    about: 'the brake lets everything through',
    edits: [
      {
        file: `${RECONCILE}/brake.ts`,
        from: /export function brake\([^{]*\{/,
        to: `$& if (limits !== undefined) return { kind: 'go' };`,
      },
    ],
  },
  {
    name: 'no_fence',
    about: 'a worker that lost its lease goes on writing',
    edits: [
      {
        file: 'sweeper/src/sweep/lease.ts',
        from: /if \(row === undefined\) throw leaseLost\(connectionId\);/,
        to: '',
      },
    ],
  },
  {
    name: 'no_audit',
    about: 'the end of access is not audited',
    edits: [
      {
        file: `${ACCESS}/record.ts`,
        from: /export async function recordAudits\([^{]*\{/,
        to: `$& if (entries.some(({ kind }) => kind === 'user.deactivated')) return;`,
      },
    ],
  },
  {
    name: 'no_message',
    about: 'nobody outside hears of changed roles',
    edits: [
      {
        file: `${ACCESS}/record.ts`,
        from: /export async function putAllIntoOutbox<[^{]*\{/,
        to: `$& if (kind === 'roles.changed') return;`,
      },
    ],
  },
  {
    name: 'undo_forgets_grants',
    about: 'an undo leaves the roles as the plan made them',
    edits: [
      {
        file: `${ACCESS}/undo.ts`,
        from: /async function putGrantsBack\([^{]*\{/,
        to: '$& if (grants.length >= 0) return;',
      },
    ],
  },
  {
    name: 'undo_forgets_time',
    about: 'an undo forgets since when somebody was as they were',
    edits: [
      {
        file: `${ACCESS}/undo.ts`,
        from: /state_changed_at: new Date\(record\.state_changed_at\),/,
        to: '',
      },
    ],
  },
  {
    name: 'sessions_live',
    about: 'sessions outlive the end of access',
    edits: [
      {
        file: `${ACCESS}/session-end.ts`,
        from: /export async function endSessionsOfUser\([^{]*\{/,
        to: `$& if (reason === 'absent' || reason === 'disabled' || reason === 'unassigned') return 0;`,
      },
    ],
  },
  {
    name: 'other_cause',
    about: 'the sweep restores whom an administrator has shut out',
    edits: [
      {
        file: 'shared/src/core/lifecycle.ts',
        from: /export function mayRestore\([^{]*\{/,
        to: '$& return true;',
      },
    ],
  },
  {
    name: 'leavers_kept',
    about: 'nobody who is gone is ever looked up',
    edits: [
      {
        file: 'sweeper/src/sweep/look-ups.ts',
        from: /const people = part\.flatMap\(/,
        to: 'const people = [].flatMap(',
      },
    ],
  },
  {
    name: 'foreign_swept',
    about: 'people of SCIM and by hand are swept like everybody else',
    edits: [
      {
        file: `${RECONCILE}/decide.ts`,
        from: /if \(user\.owner !== 'roll'\)/,
        to: 'if (false)',
      },
      {
        file: 'shared/src/core/lifecycle.ts',
        from: /function actsOn\([^{]*\{/,
        to: '$& return true;',
      },
    ],
  },
  {
    name: 'last_admins_go',
    about: 'the last admins may go',
    edits: [
      {
        file: `${ACCESS}/privileged.ts`,
        from: /export async function rolesThatMustStay\([^{]*\{/,
        to: '$& if (roles.length >= 0) return [];',
      },
    ],
  },
];
