import type { Actor } from '@rollcall/shared/core/actor';
import type { EpochMs } from '@rollcall/shared/core/time';
import type { Database } from '@rollcall/shared/db/database';
import type { ScimConnection } from './connection.ts';
import type { RequestOutcome } from './log/noted-request.ts';

/** A request below the base address, as HTTP or `/Bulk` brought it. */
export interface ScimRequest {
  readonly method: string;
  /** Below the base, such as `/Users/2819c223-…`. */
  readonly path: string;
  readonly query: ReadonlyMap<string, string>;
  /** Parsed JSON; undefined where none came. */
  readonly body: unknown;
  /** RFC 7644 §3.14: entity tags as they were sent; null where none was. */
  readonly ifMatch: string | null;
  readonly ifNoneMatch: string | null;
}

/** What a request is answered with. */
export interface ScimAnswer {
  readonly status: number;
  /** Null: no body. */
  readonly body: object | null;
  readonly etag?: string;
  readonly location?: string;
}

/** What every request is carried out with. */
export interface ScimCall {
  readonly db: Database;
  readonly connection: ScimConnection;
  readonly actor: Actor;
  /** Where the resources are, without a slash at the end. */
  readonly baseUrl: string;
  /** Signs cursors, so that a client can go on where it was, and nowhere else. */
  readonly cursorKey: Uint8Array;
  readonly reference: string;
  readonly now: EpochMs;
  /** Hears of what failed for no reason of the client's where the request goes on all the same. */
  readonly onFault: (error: unknown) => void;
  /** Told of each operation of a `/Bulk`, for the provisioning log. */
  readonly noteOperation: (
    operation: Pick<ScimRequest, 'method' | 'path' | 'body'>,
    outcome: RequestOutcome,
  ) => void;
}
