import { createHash, type Hash } from 'node:crypto';
import type { ConnectionId, RunId } from '@rollcall/shared/core/ids';
import type { PlanLine } from './line.ts';

/** What of a line the digest covers: everything that it is and does. */
type CoveredLine = Omit<PlanLine, 'brakeClass'>;

/** The digest of a plan whose lines are written one after the other. */
export interface PlanDigest {
  add(line: CoveredLine): void;
  /** sha-256, hexadecimal. Call once. */
  finish(): string;
}

/**
 * Begins the digest of a plan: sha-256 over its head and its lines, in their order.
 * The run is part of it, so that an approval never covers another plan that happens
 * to say the same.
 */
export function beginDigest(head: {
  readonly runId: RunId;
  readonly connectionId: ConnectionId;
  readonly configuration: string;
}): PlanDigest {
  const hash: Hash = createHash('sha256');
  const { runId, connectionId, configuration } = head;
  hash.update(`${canonicalize({ runId, connectionId, configuration })}\n`);
  return {
    add: ({ userId, decision, reason, evidence, userVersion, change }) => {
      const line = { userId, decision, reason, evidence, userVersion, change };
      hash.update(`${canonicalize(line)}\n`);
    },
    finish: () => hash.digest('hex'),
  };
}

/** JSON with the keys of every object in order: Postgres gives jsonb back in an order of its own. */
function canonicalize(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalize).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
  const parts = Object.entries(value)
    .filter(([, part]) => part !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, part]) => `${JSON.stringify(key)}:${canonicalize(part)}`);
  return `{${parts.join(',')}}`;
}
