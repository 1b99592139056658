import { createHash } from 'node:crypto';
import type { DirectoryMember } from '@rollcall/shared/core/evidence';
import type { RunId } from '@rollcall/shared/core/ids';
import { textArray } from '@rollcall/shared/db/array-literal';
import type { Tx } from '@rollcall/shared/db/database';
import { sql } from 'kysely';
import { listedRoles } from '../reconcile/listed-roles.ts';
import type { SweepPolicy } from '../reconcile/policy.ts';
import type { Lease } from './lease.ts';
import { roleBits } from './role-bits.ts';

/** A snapshot whose rows are being written. */
export interface SnapshotDraft {
  /** Writes rows. The caller has seen to it that no id comes twice. */
  add(members: readonly DirectoryMember[]): Promise<void>;
  /** sha-256 over all rows in the order in which they were added, hexadecimal. Call once. */
  finish(): string;
}

/**
 * Begins the snapshot of a run. With each row goes what the rules give for its groups, so
 * that whoever needs no decision can be told from the others where the rows are.
 */
export function beginSnapshot(lease: Lease, runId: RunId, policy: SweepPolicy): SnapshotDraft {
  const rolesOf = listedRoles(policy);
  const bits = roleBits(policy);
  const hashes = Array.from({ length: COLUMNS }, () => createHash('sha256'));
  return {
    add: async (members) => {
      const ids = members.map(({ id }) => id);
      const standings = members.map(({ standing }) => standing);
      const groups = members.map(({ groups }) => groups && textArray(groups.map(storable)));
      const labels = members.map(({ label }) => label && storable(label));
      const roles = members.map((member) => {
        const given = rolesOf(member.groups);
        return given && bits.of(given);
      });
      const columns = [ids, standings, groups, labels].map(textArray);
      for (const [place, column] of columns.entries()) hashes[place]?.update(`${column}\n`);
      await lease.write((tx) => insertRows(tx, runId, [...columns, textArray(roles)]));
    },
    finish: () => {
      const whole = createHash('sha256');
      for (const hash of hashes) whole.update(`${hash.digest('hex')}\n`);
      return whole.digest('hex');
    },
  };
}

/** Of those that the directory told. */
const COLUMNS = 4;

/** One array for each column: a statement of a thousand rows has five parameters. */
async function insertRows(tx: Tx, runId: RunId, columns: readonly string[]): Promise<void> {
  const [ids, standings, groups, labels, roles] = columns;
  await sql`
    insert into snapshot_members (run_id, directory_id, standing, groups, label, roles)
    select ${runId}, id, standing, groups::text[], label, roles::varbit
      from unnest(${ids}::text[], ${standings}::text[], ${groups}::text[], ${labels}::text[], ${roles}::text[])
        as row (id, standing, groups, label, roles)`.execute(tx);
}

/** Postgres stores neither NUL nor half a surrogate pair; a replaced name matches no rule. */
function storable(text: string): string {
  if (text.isWellFormed() && !text.includes('\0')) return text;
  return text.replaceAll('\0', '\uFFFD').toWellFormed();
}
