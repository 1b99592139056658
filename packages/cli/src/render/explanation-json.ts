import { sayReason } from '@rollcall/shared/core/reasons';
import type { Explanation } from '../queries/explanation.ts';
import { userToJson } from './users.ts';
import { toIso } from './when.ts';

/** An explanation for programs. */
export function explanationToJson(explanation: Explanation): Record<string, unknown> {
  const { user, grants, mapping, connectionConfigured, liveSessions, events } = explanation;
  const roles = [...new Set(grants.map((grant) => grant.role))];
  return {
    user: userToJson({ user, roles }),
    reason_text: user.stateReason === null ? null : sayReason(user.stateReason),
    connection_configured: connectionConfigured,
    groups_seen_at: toIso(user.groupsSeenAt),
    grants: grants.map((grant) => ({
      role: grant.role,
      connection: grant.connectionId,
      channel: grant.channel,
      seen_in: grant.seenIn,
      privileged: grant.privileged,
      because: grant.because,
      first_seen_at: toIso(grant.firstSeenAt),
      last_seen_at: toIso(grant.lastSeenAt),
    })),
    mapping:
      mapping.kind === 'unknown'
        ? { kind: mapping.kind, because: mapping.because }
        : {
            kind: mapping.kind,
            roles: mapping.roles,
            because: mapping.because,
            missed: mapping.missed,
            unmatched: mapping.unmatched,
            by_default: mapping.byDefault,
          },
    live_sessions: liveSessions,
    events: events.map((event) => ({ ...event, at: toIso(event.at) })),
  };
}
