import type { ColumnType, Generated, JSONColumnType } from 'kysely';
import type { Standing } from '../core/evidence.ts';
import type {
  ConnectionId,
  DirectoryId,
  RunId,
  ScimGroupId,
  ScimTokenId,
  SessionId,
  Subject,
  UserId,
} from '../core/ids.ts';
import type { Cause, Owner, UserState } from '../core/lifecycle.ts';
import type { GrantChannel, GrantReason } from '../core/user.ts';
import type { NotifyTables } from './notify-tables.ts';

/** A column that Postgres fills and that nobody writes. */
type Identity = ColumnType<string, never, never>;
/** jsonb: parsed when read, a JSON text when written. */
type Json<T extends object> = JSONColumnType<T>;
type NullableJson = ColumnType<unknown, string | null, string | null>;

export interface ConnectionsTable {
  id: ConnectionId;
  entity_id: string;
  epoch: Generated<number>;
  first_seen_at: Date;
  sessions_ended_at: Date | null;
  retired_at: Date | null;
}

export interface IdentityProvidersTable {
  connection_id: ConnectionId;
  source: string;
  address: string;
  version: Generated<number>;
  xml: string | null;
  etag: string | null;
  last_modified: string | null;
  fetched_at: Date | null;
  valid_until: Date | null;
  due_at: Date;
  claimed_until: Date | null;
  failures: Generated<number>;
  failed_at: Date | null;
  failure_code: string | null;
  failure: string | null;
}

/** What became of a certificate that metadata has named. */
export type CertificateStanding = 'announced' | 'withdrawn' | 'refused';

export interface IdentityProviderCertificatesTable {
  connection_id: ConnectionId;
  source: string;
  fingerprint: string;
  pem: string;
  standing: CertificateStanding;
  first_seen_at: Date;
  last_seen_at: Date;
  withdrawn_at: Date | null;
  trusted_until: Date | null;
}

export interface UsersTable {
  id: UserId;
  connection_id: ConnectionId;
  subject: Subject;
  directory_id: DirectoryId | null;
  owner: Owner;
  state: UserState;
  cause: Cause | null;
  state_reason: string | null;
  state_changed_at: Date;
  protected: Generated<boolean>;
  protected_by_admin: Generated<boolean>;
  person_id: UserId | null;
  email: string | null;
  given_name: string | null;
  family_name: string | null;
  groups: string[] | null;
  groups_seen_at: Date | null;
  attributes: Json<Record<string, string[]>>;
  epoch: Generated<number>;
  version: Generated<number>;
  created_at: Date;
  last_assertion_at: Date | null;
  last_confirmed_at: Date | null;
  sessions_ended_at: Date | null;
  purged_at: Date | null;
}

export interface GrantsTable {
  user_id: UserId;
  role: string;
  connection_id: ConnectionId;
  channel: GrantChannel;
  seen_in: 'assertion' | 'directory' | 'scim' | 'manual';
  privileged: boolean;
  because: JSONColumnType<GrantReason[]>;
  first_seen_at: Date;
  last_seen_at: Date;
}

export interface SessionsTable {
  id: SessionId;
  user_id: UserId;
  connection_id: ConnectionId;
  user_epoch: number;
  connection_epoch: number;
  name_id: string;
  name_id_format: string | null;
  name_qualifier: string | null;
  sp_name_qualifier: string | null;
  session_index: string | null;
  created_at: Date;
  last_seen_at: Date;
  expires_at: Date;
  ended_at: Date | null;
  ended_reason: string | null;
}

export interface LogoutsTable {
  connection_id: ConnectionId;
  request_id: string;
  name_id: string;
  name_id_format: string | null;
  name_qualifier: string | null;
  sp_name_qualifier: string | null;
  session_indexes: string[] | null;
  issued_at: Date;
  expires_at: Date;
}

export interface OneTimeTable {
  space: string;
  key: string;
  value: string;
  expires_at: Date;
}

export interface AuditEventsTable {
  id: Identity;
  at: Date;
  kind: string;
  actor: Json<Record<string, unknown>>;
  user_id: UserId | null;
  connection_id: ConnectionId | null;
  reason: string | null;
  evidence: NullableJson;
  before: NullableJson;
  after: NullableJson;
  reference: string | null;
}

export interface OutboxTable {
  id: Identity;
  at: Date;
  kind: string;
  user_id: UserId;
  payload: Json<Record<string, unknown>>;
}

export interface OutboxTargetsTable {
  name: string;
  registered_at: Date;
  seen_at: Date;
  gone_at: Date | null;
  gone_why: string | null;
}

/** Written by a trigger on `outbox`. */
export interface OutboxDeliveriesTable {
  seq: Identity;
  target: string;
  outbox_id: string;
  user_id: UserId;
  attempts: Generated<number>;
  due_at: Date;
  claim: string | null;
  error: string | null;
  failed_at: Date | null;
  parked_at: Date | null;
}

export interface SweepLeasesTable {
  connection_id: ConnectionId;
  fence: ColumnType<string, string | number, string | number>;
  holder: string;
  expires_at: Date;
  place: string | null;
}

export interface DirectoryPaceTable {
  place: string;
  next_at: Date;
  not_before: Date | null;
}

export type SweepTrigger = 'schedule' | 'confirmation' | 'operator';
export type SweepState =
  | 'listing'
  | 'deciding'
  | 'planned'
  | 'held'
  | 'applying'
  | 'applied'
  | 'incomplete'
  | 'failed';

export type SweepStep = 'listing' | 'looking_up' | 'deciding' | 'planned' | 'applying';

export interface SweepRunsTable {
  id: RunId;
  connection_id: ConnectionId;
  trigger: SweepTrigger;
  state: SweepState;
  fence: ColumnType<string, string | number, string | number>;
  started_at: Date;
  finished_at: Date | null;
  snapshot_kind: 'complete' | 'partial' | null;
  partial_reason: string | null;
  explanation: string | null;
  rows: number | null;
  distinct_ids: number | null;
  pages: number | null;
  announced_total: number | null;
  digest: string | null;
  directory_fingerprint: string | null;
  configuration: string | null;
  plan_only_because: string | null;
  code: string | null;
  counts: NullableJson;
  size_accepted_by: string | null;
  size_accepted_reason: string | null;
  size_accepted_at: Date | null;
  checkpoint_version: number | null;
  step: SweepStep | null;
  progress: ColumnType<unknown, string | undefined, string>;
  progress_at: Date | null;
  as_of: Date | null;
}

export interface SilenceWarningsTable {
  user_id: UserId;
  silent_since: Date;
  days: number;
  at: Date;
}

export interface MissesTable {
  user_id: UserId;
  as_of: Date;
  at: Date;
  run_id: RunId;
}

export interface SnapshotMembersTable {
  run_id: RunId;
  directory_id: DirectoryId;
  standing: 'present' | 'disabled' | 'unassigned';
  groups: string[] | null;
  label: string | null;
  /** A bit for each role, as `0` and `1`. */
  roles: string | null;
}

export interface SweepDoubtsTable {
  run_id: RunId;
  user_id: UserId;
  /** Null: not listed. */
  standing: 'present' | 'disabled' | 'unassigned' | null;
  groups: string[] | null;
  label: string | null;
}

export interface LookUpsTable {
  id: Identity;
  run_id: RunId;
  user_id: UserId;
  standing: Standing;
  canary: 'present' | 'failed';
  seen_in: 'look_up' | 'listing';
  at: Date;
}

export type PlanState =
  | 'drafting'
  | 'pending'
  | 'held'
  | 'applying'
  | 'applied'
  | 'superseded'
  | 'expired'
  | 'rejected'
  | 'undoing'
  | 'undone';

export interface PlansTable {
  run_id: RunId;
  connection_id: ConnectionId;
  digest: string;
  state: PlanState;
  held_why: NullableJson;
  population: number;
  created_at: Date;
  expires_at: Date;
  applied_at: Date | null;
  approvals_needed: Generated<number>;
  approved_at: Date | null;
  held_since: Date | null;
  contains_from: Date | null;
  rejected_by: string | null;
  reject_reason: string | null;
  rejected_at: Date | null;
  undo_begun_at: Date | null;
  undo_by: string | null;
  undo_reason: string | null;
}

export interface PlanLinesTable {
  run_id: RunId;
  seq: number;
  user_id: UserId;
  decision: string;
  reason: string;
  evidence: Json<Record<string, unknown>>;
  user_version: number;
  change: Json<Record<string, unknown>>;
  brake_class: 'absence' | 'disabled' | 'roles' | 'returns' | null;
  waits: Generated<boolean>;
  outcome: 'applied' | 'skipped' | null;
  outcome_why: string | null;
  applied_at: Date | null;
  undo: NullableJson;
  undo_outcome: 'undone' | 'skipped' | null;
  undo_why: string | null;
  undone_at: Date | null;
}

export interface HeldContainmentsTable {
  run_id: RunId;
  user_id: UserId;
  connection_id: ConnectionId;
  outcome: 'contained' | 'skipped';
  outcome_why: string | null;
  version_after: number | null;
  at: Date;
}

export interface PlanEscalationsTable {
  connection_id: ConnectionId;
  held_since: Date;
  after_ms: ColumnType<string, string | number, string | number>;
  run_id: RunId;
  at: Date;
}

export interface PlanApprovalsTable {
  digest: string;
  approver: string;
  approver_key: string;
  account: string | null;
  people: number;
  reason: string;
  at: Date;
}

export interface SignInRefusalsTable {
  connection_id: ConnectionId;
  code: string;
  /** `YYYY-MM-DD`, in UTC. */
  day: ColumnType<Date, string, string>;
  count: ColumnType<string, string | number, string | number>;
  first_at: Date;
  last_at: Date;
  recent: Json<object[]>;
}

export interface ConnectionSignInsTable {
  connection_id: ConnectionId;
  last_at: Date;
  clock_offsets_ms: number[];
}

export interface SignInTestsTable {
  ticket_hash: string;
  connection_id: ConnectionId;
  made_by: string;
  expires_at: Date;
  browser_hash: string | null;
  report: NullableJson;
}

/** The SCIM side of a user; the id is the user's. */
export interface ScimUsersTable {
  user_id: UserId;
  connection_id: ConnectionId;
  seq: Identity;
  user_name_key: string;
  external_id: string | null;
  active: boolean;
  email_keys: string[];
  resource: Json<object>;
  search: Json<object>;
  version: Generated<number>;
  created_at: Date;
  modified_at: Date;
}

export interface ScimGroupsTable {
  id: ScimGroupId;
  connection_id: ConnectionId;
  seq: Identity;
  display_name: string;
  display_name_key: string;
  external_id: string | null;
  resource: Json<object>;
  search: Json<object>;
  version: Generated<number>;
  created_at: Date;
  modified_at: Date;
}

export interface ScimGroupMembersTable {
  group_id: ScimGroupId;
  user_id: UserId;
}

/** Written by triggers on the two before it. */
export interface ScimCountsTable {
  connection_id: ConnectionId;
  kind: 'User' | 'Group';
  block: string;
  delta: string;
}

export interface ScimTokensTable {
  id: ScimTokenId;
  connection_id: ConnectionId;
  name: string;
  secret_hash: string;
  created_at: Date;
  created_by: string;
  expires_at: Date | null;
  rotated_at: Date | null;
  revoked_at: Date | null;
  revoked_by: string | null;
  last_used_at: Date | null;
  last_used_from: string | null;
  networks: Generated<string[]>;
  certificate_sha256: string | null;
  certificate_subject: string | null;
}

/** What clients asked, for people to look at; what was changed is in the audit trail. */
export interface ScimRequestsTable {
  id: Identity;
  at: Date;
  connection_id: ConnectionId | null;
  token: string | null;
  method: string;
  path: string;
  meaning: string;
  target_kind: 'User' | 'Group' | null;
  target_id: string | null;
  status: number;
  scim_type: string | null;
  code: string | null;
  duration_ms: number;
  reference: string;
  dropped: Generated<number>;
}

/** Written by `access/purge.ts` alone. */
export interface TombstonesTable {
  connection_id: ConnectionId;
  subject_hash: string;
  directory_hash: string | null;
  user_id: UserId;
  owner: Owner;
  cause: Cause;
  ended_at: Date;
  purged_at: Date;
}

export interface PurgePlansTable {
  id: string;
  digest: string;
  made_by: string;
  created_at: Date;
  expires_at: Date;
  applied_at: Date | null;
}

export interface PurgeLinesTable {
  plan_id: string;
  seq: number;
  user_id: UserId;
  ended_at: Date;
  outcome: 'purged' | 'skipped' | null;
  outcome_why: string | null;
  applied_at: Date | null;
}

/** Every table, as `migrations/` makes it. */
export interface Tables extends NotifyTables {
  connections: ConnectionsTable;
  identity_providers: IdentityProvidersTable;
  identity_provider_certificates: IdentityProviderCertificatesTable;
  users: UsersTable;
  tombstones: TombstonesTable;
  purge_plans: PurgePlansTable;
  purge_lines: PurgeLinesTable;
  grants: GrantsTable;
  sessions: SessionsTable;
  logouts: LogoutsTable;
  one_time: OneTimeTable;
  audit_events: AuditEventsTable;
  outbox: OutboxTable;
  outbox_targets: OutboxTargetsTable;
  outbox_deliveries: OutboxDeliveriesTable;
  sweep_leases: SweepLeasesTable;
  directory_pace: DirectoryPaceTable;
  sweep_runs: SweepRunsTable;
  snapshot_members: SnapshotMembersTable;
  sweep_doubts: SweepDoubtsTable;
  look_ups: LookUpsTable;
  misses: MissesTable;
  silence_warnings: SilenceWarningsTable;
  plans: PlansTable;
  plan_lines: PlanLinesTable;
  plan_approvals: PlanApprovalsTable;
  held_containments: HeldContainmentsTable;
  plan_escalations: PlanEscalationsTable;
  sign_in_refusals: SignInRefusalsTable;
  connection_sign_ins: ConnectionSignInsTable;
  sign_in_tests: SignInTestsTable;
  scim_users: ScimUsersTable;
  scim_groups: ScimGroupsTable;
  scim_group_members: ScimGroupMembersTable;
  scim_counts: ScimCountsTable;
  scim_tokens: ScimTokensTable;
  scim_requests: ScimRequestsTable;
}
