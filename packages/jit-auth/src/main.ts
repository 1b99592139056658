export type { SignedInUser } from './http/signed-in-user.ts';
export { type JitAuth, type JitAuthOptions, jitAuth } from './plugin.ts';
