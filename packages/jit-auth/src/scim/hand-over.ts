import { handOver } from '@rollcall/shared/access/hand-over';
import type { Actor } from '@rollcall/shared/core/actor';
import { hasAccess } from '@rollcall/shared/core/lifecycle';
import type { EpochMs } from '@rollcall/shared/core/time';
import type { User } from '@rollcall/shared/core/user';
import type { Tx } from '@rollcall/shared/db/database';
import { deleteScimUser, insertScimUser, isScimNameFree } from '@rollcall/shared/db/scim-users';
import { fold } from './resource/fold.ts';
import type { ScimObject } from './resource/scim-value.ts';
import { userFacts } from './resource/user-facts.ts';

/** To whom somebody can be handed over: to SCIM, or to sign-ins and sweeps. */
export type Receiver = 'scim' | 'jit';

/** What became of it. */
export type HandOverResult = 'handed_over' | 'unchanged' | 'refused';

/** What a hand-over is made with. */
export interface HandOverOrder {
  readonly to: Receiver;
  /** Why, in the words of whoever asked for it. */
  readonly because: string;
}

/**
 * Hands a user over. To SCIM: what the client looks people up by is made of what is known,
 * so that it finds them at its next run and makes nobody twice. To sign-ins: what SCIM
 * kept of them goes, and their grants stay until the next sign-in or sweep.
 */
export async function handOverUser(
  tx: Tx,
  { id }: Pick<User, 'id'>,
  { to, because }: HandOverOrder,
  actor: Actor,
  now: EpochMs,
): Promise<HandOverResult> {
  const change = { userId: id, to: to === 'jit' ? ('roll' as const) : to, evidence: { because } };
  const outcome = await handOver(tx, change, actor, now);
  if (outcome.kind !== 'handed_over') return outcome.kind;
  await deleteScimUser(tx, id);
  if (to === 'jit') return 'handed_over';
  const { user } = outcome;
  const facts = userFacts(await resourceOf(tx, user), hasAccess(user.state));
  await insertScimUser(tx, user.connectionId, id, facts, now);
  return 'handed_over';
}

/** What a client will find: named by the e-mail, or by the subject where somebody has that name. */
async function resourceOf(tx: Tx, user: User): Promise<ScimObject> {
  const { email, givenName, familyName } = user.profile;
  const named = email !== null && (await isScimNameFree(tx, user.connectionId, fold(email)));
  return {
    userName: named ? email : user.subject,
    externalId: user.directoryId ?? user.subject,
    active: hasAccess(user.state),
    ...(givenName === null && familyName === null
      ? {}
      : {
          name: {
            ...(givenName === null ? {} : { givenName }),
            ...(familyName === null ? {} : { familyName }),
          },
        }),
    ...(email === null ? {} : { emails: [{ value: email, type: 'work', primary: true }] }),
  };
}
