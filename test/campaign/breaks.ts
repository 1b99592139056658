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
    name: 'unanswered_is_absent',
    about: 'a look-up without an answer counts as absence',
    edits: [
      {
        file: `${RECONCILE}/absence.ts`,
        from: /const own = history\.findLast\(\(one\) => isOwn\(one, snapshot\)\);/,
        to: `const said = history.findLast((one) => isOwn(one, snapshot));
         const own = said?.standing === 'unknown' ? { ...said, standing: 'absent' as const } : said;`,
      },
    ],
  },
  {
    name: 'forgetful_brake',
    about: 'the brake forgets what was taken before this run',
    edits: [
      {
        file: 'sweeper/src/plan/brake-facts.ts',
        from: /l\.outcome = 'applied'/,
        to: `l.outcome = 'nothing'`,
      },
    ],
  },
  {
    name: 'newer_sign_in',
    about: 'a sign-in that is newer than the evidence is seen by nobody',
    edits: [
      {
        file: `${RECONCILE}/known-user.ts`,
        from: /export function signedInSince\([^{]*\{/,
        to: '$& return false;',
      },
      {
        file: `${ACCESS}/role-change.ts`,
        from: /export function isSeenSince\([^{]*\{/,
        to: '$& return false;',
      },
    ],
  },
  {
    name: 'no_recheck',
    about: 'a line is applied to whatever the user has become',
    edits: [
      {
        file: `${ACCESS}/state-change.ts`,
        from: /function isStale\([^{]*\{/,
        to: '$& return false;',
      },
    ],
  },
  {
    name: 'protected_swept',
    about: 'protection is not asked for',
    edits: [
      {
        file: `${RECONCILE}/decide.ts`,
        from: /function isProtected\([^{]*\{/,
        to: '$& return false;',
      },
      {
        file: 'shared/src/core/lifecycle.ts',
        from: /by !== 'admin' && user\.protected/,
        to: 'false',
      },
    ],
  },
  {
    name: 'waves_at_once',
    about: 'everybody of a held plan is contained at once',
    edits: [
      {
        file: `${RECONCILE}/held-people.ts`,
        from: /export function roomInWave\([^{]*\{/,
        to: '$& return 500;',
      },
    ],
  },
  {
    name: 'silence_of_outages',
    about: 'days on which nobody could sign in count as silence',
    edits: [
      {
        file: 'shared/src/core/silence.ts',
        from: /accepted \|\| refused < REFUSALS_IN_DOUBT/,
        to: 'true',
      },
    ],
  },
  {
    name: 'no_limit_over_all',
    about: 'each connection is held to its own limits alone',
    edits: [
      {
        file: `${RECONCILE}/brake-over-all.ts`,
        from: /now === 0 \|\| received <= allowed/,
        to: 'true',
      },
    ],
  },
  {
    name: 'tombstones_free',
    about: 'whoever was purged comes back as somebody new, whoever had shut them out',
    edits: [
      {
        file: `${ACCESS}/sign-in.ts`,
        from: /async function objectionToReturn\([^{]*\{/,
        to: '$& if (change.kind) return null;',
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
