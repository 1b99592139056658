import { type RawBuilder, type SqlBool, sql } from 'kysely';

/** Which lines of a plan to read: those for which all of it holds. */
export interface LineChoice {
  /** A part of the e-mail, the name or the subject, whatever the case; or an id, exactly. */
  readonly user?: string;
  readonly decision?: string;
  readonly reason?: string;
  /** A role that the line gives or takes, or that somebody holds whom it takes access from. */
  readonly role?: string;
  /** `open`: neither applied nor skipped. */
  readonly outcome?: 'open' | 'applied' | 'skipped' | 'undone';
}

/** The condition, on `line` of `plan_lines` and `person` of `users`. */
export function isChosen(choice: LineChoice): RawBuilder<SqlBool> {
  const conditions = [
    ...(choice.user === undefined ? [] : [isOf(choice.user)]),
    ...(choice.decision === undefined ? [] : [sql`line.decision = ${choice.decision}`]),
    ...(choice.reason === undefined ? [] : [sql`line.reason = ${choice.reason}`]),
    ...(choice.role === undefined ? [] : [concerns(choice.role)]),
    ...(choice.outcome === undefined ? [] : [hasCome(choice.outcome)]),
  ];
  return conditions.length === 0
    ? sql<SqlBool>`true`
    : sql<SqlBool>`${sql.join(conditions, sql` and `)}`;
}

function isOf(text: string): RawBuilder<unknown> {
  return sql`(line.user_id::text = ${text} or person.directory_id = ${text}
    or position(lower(${text}) in lower(concat_ws(' ', person.email, person.subject,
                 person.given_name, person.family_name))) > 0)`;
}

function concerns(role: string): RawBuilder<unknown> {
  return sql`(coalesce(line.change->'gain', '[]') ? ${role} or coalesce(line.change->'lose', '[]') ? ${role}
    or (line.decision in ('deactivate', 'contain', 'restore', 'release') and exists (
          select from grants where grants.user_id = line.user_id and grants.role = ${role})))`;
}

function hasCome(outcome: NonNullable<LineChoice['outcome']>): RawBuilder<unknown> {
  if (outcome === 'open') return sql`line.outcome is null`;
  if (outcome === 'undone') return sql`line.undo_outcome = 'undone'`;
  return sql`line.outcome = ${outcome}`;
}
