import { duration, mapping } from './fields.ts';

/**
 * How long things are kept. Plans are evidence of why access ended, which auditors ask
 * for twelve months later; the audit trail itself is never pruned.
 */
export function retentionSchema() {
  return mapping({
    runs: duration('365d', '3650d').prefault('400d'),
    look_ups: duration('2d', '3650d').prefault('90d'),
    snapshots: duration('1d', '365d').prefault('7d'),
    deactivated: duration('1d', '3650d').prefault('30d'),
    scim_requests: duration('1d', '3650d').prefault('30d'),
  }).transform((retention) => ({
    /** Runs of the sweep with their plans, lines and approvals. */
    runsMs: retention.runs,
    /** Answers of directories about single people; a first one counts for a day. */
    lookUpsMs: retention.look_ups,
    /** Rows of listings that no sweep has replaced. */
    snapshotsMs: retention.snapshots,
    /** Time without access after which somebody may be purged. */
    deactivatedMs: retention.deactivated,
    /** Requests of SCIM clients. */
    scimRequestsMs: retention.scim_requests,
  }));
}
