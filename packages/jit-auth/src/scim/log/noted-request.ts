import type { EpochMs } from '@rollcall/shared/core/time';
import type { ScimToken } from '@rollcall/shared/db/scim-tokens';
import { maskedPath, type Target, targetOf } from './masked-path.ts';
import { type AskedRequest, meaningOf } from './meaning.ts';
import type { NotedRequest } from './request-log.ts';

/** What became of a request, or of one operation of `/Bulk`. */
export interface RequestOutcome {
  readonly status: number;
  readonly scimType: string | null;
  /** Of the error; null where there was none. */
  readonly code: string | null;
  /** What it was answered with; null: nothing, or an error. */
  readonly body: object | null;
  /** The address of the resource, where the answer has one. */
  readonly location: string | null;
}

/** Whose request it was, and when. */
export interface RequestHead {
  readonly at: EpochMs;
  /** Null: nobody knows. */
  readonly token: Pick<ScimToken, 'name' | 'connectionId'> | null;
  readonly durationMs: number;
  readonly reference: string;
}

/** A request as the provisioning log has it: no value, no secret, no address of a person. Pure. */
export function notedRequest(
  asked: AskedRequest,
  outcome: RequestOutcome,
  { at, token, durationMs, reference }: RequestHead,
): NotedRequest {
  const { status, scimType, code, body, location } = outcome;
  const target = targetOf(asked.path) ?? targetAt(location);
  return {
    at,
    connectionId: token?.connectionId ?? null,
    token: token?.name ?? null,
    method: asked.method.slice(0, 10),
    path: maskedPath(asked.path),
    // Who brings no good token is told nothing, and what they sent is not looked at.
    meaning: status === 401 || status === 429 ? 'Was not looked at.' : meaningOf(asked, body),
    targetKind: target?.kind ?? null,
    targetId: target?.id ?? null,
    status,
    scimType,
    code,
    durationMs: Math.max(0, Math.round(durationMs)),
    reference,
  };
}

function targetAt(location: string | null): Target | null {
  return location === null ? null : targetOf(location.split('/').slice(-2).join('/'));
}
