export type { Change, ChangedUser } from '@rollcall/shared/outbox/change';
export type { ChangeHandler, ChangeOptions, ChangeSubscription } from './hooks.ts';
export type { SignedInUser } from './http/signed-in-user.ts';
export { type JitAuth, type JitAuthOptions, jitAuth } from './plugin.ts';
