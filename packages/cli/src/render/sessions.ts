import { sayReason } from '@rollcall/shared/core/reasons';
import type { EpochMs } from '@rollcall/shared/core/time';
import { labelOf } from '@rollcall/shared/core/user';
import type { ListedSession } from '@rollcall/shared/db/session-list';
import type { SessionEndReason } from '@rollcall/shared/db/sessions';
import { keyOf } from '../queries/user-named.ts';
import type { Colors } from '../terminal.ts';
import { type Cell, renderTable } from './table.ts';
import { sayWhen, toIso } from './when.ts';

/** A page of sessions; `next` is where the next one begins, null at the end. */
export interface SessionPage {
  readonly sessions: readonly ListedSession[];
  readonly next: string | null;
  /** Whether those were asked for that have ended. */
  readonly all: boolean;
}

const WHY: Readonly<Record<SessionEndReason, string>> = {
  unknown_session: 'unknown',
  ended: 'ended',
  expired: 'expired',
  idle: 'unused for too long',
  deactivated: 'access ended',
  epoch_passed: 'ended with all others',
  fresh_sign_in_needed: 'a fresh sign-in is needed',
};

/** A page of sessions for people. */
export function renderSessions(page: SessionPage, now: EpochMs, colors: Colors): string {
  if (page.sessions.length === 0) {
    return page.all ? 'No sessions.' : 'No live sessions. With --all, those that have ended.';
  }
  const head = ['USER', 'CONNECTION', 'SINCE', 'LAST USED', 'UNTIL', 'STATE', 'ID'];
  const rows = page.sessions.map((session) => [
    labelOf(session.user),
    session.connectionId,
    sayWhen(session.createdAt, now),
    sayWhen(session.lastSeenAt, now),
    sayWhen(session.endedAt ?? session.expiresAt, now),
    stateCell(session, colors),
    { text: session.id, paint: colors.dim },
  ]);
  const table = renderTable([head.map((text) => ({ text, paint: colors.dim })), ...rows]);
  const more = page.next === null ? '' : `\n\nMore: --after ${page.next}`;
  return `${table}${more}`;
}

/** A session for programs. Keys are snake_case, like the configuration. */
export function sessionToJson(session: ListedSession): Record<string, unknown> {
  const { user, end } = session;
  return {
    id: session.id,
    user: { id: user.id, key: keyOf(user), email: user.profile.email },
    connection: session.connectionId,
    live: end === null,
    why: end?.why ?? null,
    reason: end?.reason ?? null,
    created_at: toIso(session.createdAt),
    last_seen_at: toIso(session.lastSeenAt),
    expires_at: toIso(session.expiresAt),
    ended_at: toIso(session.endedAt),
  };
}

function stateCell({ end }: ListedSession, colors: Colors): Cell {
  if (end === null) return { text: 'live', paint: colors.green };
  const because = end.reason === null ? '' : `: ${sayReason(end.reason)}`;
  return { text: `${WHY[end.why]}${because}`, paint: colors.dim };
}
