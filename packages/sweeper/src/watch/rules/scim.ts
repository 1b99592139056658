import type { ConnectionId } from '@rollcall/shared/core/ids';
import type { EpochMs } from '@rollcall/shared/core/time';
import { isoOf } from '@rollcall/shared/db/timestamp';
import { type Judgement, WELL } from './episode.ts';

/** What a SCIM client could not do since its last success. */
export interface ScimSeen {
  readonly connectionId: ConnectionId;
  /** Null: the last request that counts was carried out. */
  readonly failing: {
    readonly failures: number;
    readonly since: EpochMs;
    readonly code: string;
  } | null;
}

/** A client that fails for one person alone does other things in between. */
const FAILURES = 10;

/** Whether a client has failed many times, and done nothing in between. */
export function judgeScim({ connectionId, failing }: ScimSeen): Judgement {
  if (failing === null) return WELL;
  const { failures, code } = failing;
  if (failures < FAILURES) return { holds: null, over: false };
  const since = isoOf(failing.since);
  const facts = { code, failures, since };
  return {
    holds: { event: 'scim.failing', connectionId, about: `since ${since}`, facts },
    over: false,
  };
}
