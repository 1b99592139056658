/** Every fact that the audit trail can hold, one name each. */
export const AUDIT_KINDS = [
  'user.created',
  'user.signed_in',
  'user.changed',
  'user.suspected',
  'user.contained',
  'user.deactivated',
  'user.restored',
  'user.undone',
  'user.joined',
  'user.separated',
  'user.protected',
  'user.unprotected',
  'roles.changed',
  'roles.kept',
  'session.ended',
  'sessions.revoked',
  'sign_in.refused',
  'plan.approved',
  'plan.applied',
  'plan.undone',
] as const;
export type AuditKind = (typeof AUDIT_KINDS)[number];
