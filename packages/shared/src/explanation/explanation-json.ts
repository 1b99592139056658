import { sayReason } from '../core/reasons.ts';
import type { AuditLine } from './audit-lines.ts';
import { besideStateToJson } from './beside-state.ts';
import type { Explanation } from './explain-user.ts';
import { toIso, userToJson } from './user-json.ts';

/** An explanation for programs. */
export function explanationToJson(explanation: Explanation): Record<string, unknown> {
  const { user, grants, mapping, next, connectionConfigured, liveSessions } = explanation;
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
      by_default: grant.channel === 'roll' && grant.because.length === 0,
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
    next_sign_in: next,
    groups_unknown: explanation.groupsUnknown,
    aliases: explanation.aliases,
    live_sessions: liveSessions,
    ...besideStateToJson(explanation.beside),
    joined: explanation.joined.map(userToJson),
    lifecycle: explanation.lifecycle.map(lineToJson),
    events: explanation.events.map(lineToJson),
  };
}

function lineToJson(line: AuditLine): Record<string, unknown> {
  return { ...line, at: toIso(line.at) };
}
