import type { CompleteSnapshot } from '@rollcall/shared/core/evidence';
import type { Tx } from '@rollcall/shared/db/database';
import { toTimestamp } from '@rollcall/shared/db/timestamp';
import { sql } from 'kysely';
import { DAY, HOUR } from '../reconcile/confirmation.ts';
import { roleBits } from './role-bits.ts';
import type { Run } from './run.ts';
import { doEach } from './side-by-side.ts';
import { maySilent } from './silence.ts';
import { requireSnapshot } from './snapshot-rows.ts';

/** How the users of a connection compare with a snapshot. */
export interface Comparison {
  readonly users: number;
  /** Of whom the comparison cannot say by itself that nothing follows: rows in `sweep_doubts`. */
  readonly doubts: number;
  /** How many of the others are kept, by the reason that `decide` would give. */
  readonly kept: ReadonlyMap<string, number>;
}

/** From so many users on, the grants of a connection are read all together, not user by user. */
const MANY = 20_000;
/** So many users are compared by one statement, which then takes seconds. */
const SLICE = 500_000;
/** So many statements run at once. */
const AT_ONCE = 2;
/** Memory of the database for each step of such a statement: enough for a million users. */
const WORK_MEM = '64MB';

/**
 * Compares everybody with the snapshot in the database, where both are: in most sweeps
 * nothing follows for nearly all. Who is left, for whom something might follow or of whom
 * something is to be written down, is put into `sweep_doubts` for `decide`, which alone
 * decides. The test `comparison.test.ts` holds the two to each other: nobody is passed
 * over here for whom `decide` says anything but keep.
 */
export async function compare(
  run: ComparedRun,
  snapshot: CompleteSnapshot,
  { many = MANY, slice = SLICE } = {},
): Promise<Comparison> {
  const all = await countUsers(run);
  if (run.sweep.policy.silence?.alone === true) {
    return run.lease.write((tx) => compareSilence(tx, run, snapshot, all));
  }
  const found = { doubts: 0, out: 0 };
  await doEach(slicesOf(Math.ceil(all.users / slice)), AT_ONCE, async (one) => {
    const { doubts, out } = await compareSlice(run, snapshot, one, all.users >= many);
    found.doubts += doubts;
    found.out += out;
  });
  await requireSnapshot(run.db, run.runId, snapshot.rows);
  const present = all.users - all.unnamed - all.out - (found.doubts - found.out);
  const kept = new Map([
    ['no_directory_id', all.unnamed],
    ['already_deactivated', all.out - found.out],
    ['present', present],
  ]);
  return { users: all.users, doubts: found.doubts, kept };
}

/** What of a run a comparison needs. */
type ComparedRun = Pick<Run, 'db' | 'lease' | 'runId' | 'sweep'>;

/** Ids from one to before another; null: to the last. Ids are random, so that slices are alike. */
interface Slice {
  readonly from: string;
  readonly before: string | null;
}

function slicesOf(count: number): Slice[] {
  const bound = (index: number): string => {
    const first = Math.floor((index / count) * 2 ** 32);
    return `${first.toString(16).padStart(8, '0')}-0000-0000-0000-000000000000`;
  };
  return Array.from({ length: count }, (_, index) => ({
    from: bound(index),
    before: index + 1 === count ? null : bound(index + 1),
  }));
}

function compareSlice(
  run: ComparedRun,
  snapshot: CompleteSnapshot,
  slice: Slice,
  together: boolean,
): Promise<{ readonly doubts: number; readonly out: number }> {
  return run.lease.write(async (tx) => {
    // The snapshot is new, and the database knows nothing of its size: a nested loop over
    // it takes hours. Within the transaction alone.
    await sql`select set_config('enable_nestloop', 'off', true),
      set_config('max_parallel_workers_per_gather', '0', true)`.execute(tx);
    if (together) await sql`select set_config('work_mem', ${WORK_MEM}, true)`.execute(tx);
    return insertDoubts(tx, run, snapshot, slice, together);
  });
}

async function countUsers({ db, sweep }: ComparedRun): Promise<{
  readonly users: number;
  readonly unnamed: number;
  readonly out: number;
}> {
  const { rows } = await sql<{ users: string; unnamed: string; out: string }>`
    select count(*) as users,
           count(*) filter (where directory_id is null) as unnamed,
           count(*) filter (where directory_id is not null and not ${HAS_ACCESS}) as out
      from users u where connection_id = ${sweep.connectionId}`.execute(db);
  const [row] = rows;
  return { users: Number(row?.users), unnamed: Number(row?.unnamed), out: Number(row?.out) };
}

const HAS_ACCESS = sql<boolean>`u.state in ('active', 'suspected', 'contained')`;

async function insertDoubts(
  tx: Tx,
  run: ComparedRun,
  snapshot: CompleteSnapshot,
  slice: Slice,
  together: boolean,
): Promise<{ readonly doubts: number; readonly out: number }> {
  const { runId } = run;
  const { connectionId } = run.sweep;
  const bits = roleBits(run.sweep.policy);
  const roles = sql`bit_or((${bits.each}::varbit[])[coalesce(array_position(${bits.names}::text[], g.role), ${bits.names.length + 1})])`;
  const ofConnection = sql`g.connection_id = ${connectionId} and g.channel = 'roll'`;
  const inSlice = (id: ReturnType<typeof sql>) =>
    slice.before === null
      ? sql`${id} >= ${slice.from}::uuid`
      : sql`${id} >= ${slice.from}::uuid and ${id} < ${slice.before}::uuid`;
  const [held, join] = together
    ? [
        sql`coalesce(held.roles, ${bits.none}::varbit)`,
        sql`left join (select g.user_id, ${roles} as roles from grants g where ${ofConnection}
                and ${inSlice(sql`g.user_id`)} group by g.user_id) as held on held.user_id = u.id`,
      ]
    : [
        sql`coalesce((select ${roles} from grants g where g.user_id = u.id and ${ofConnection}), ${bits.none}::varbit)`,
        sql``,
      ];
  const { rows } = await sql<{ doubts: string; out: string }>`
    with found as (
      insert into sweep_doubts (run_id, user_id, standing, groups, label)
      select ${runId}, u.id, m.standing, m.groups, m.label
        from users u
        left join snapshot_members m on m.run_id = ${runId} and m.directory_id = u.directory_id
        ${join}
       where u.connection_id = ${connectionId} and u.directory_id is not null and ${inSlice(sql`u.id`)}
         and (not coalesce(${isKept(run, held)}, false) or ${isToConfirm(snapshot)}
           or ${hasMissesToForget(run)} or ${isToWarn(run, snapshot)})
      returning user_id)
    select count(*) as doubts, count(*) filter (where not ${HAS_ACCESS}) as out
      from found join users u on u.id = found.user_id`.execute(tx);
  const [row] = rows;
  return { doubts: Number(row?.doubts), out: Number(row?.out) };
}

/** Without a directory, nothing follows for anybody but those who may be silent. */
async function compareSilence(
  tx: Tx,
  run: Pick<Run, 'runId' | 'sweep'>,
  snapshot: CompleteSnapshot,
  { users, unnamed, out }: Awaited<ReturnType<typeof countUsers>>,
): Promise<Comparison> {
  const inserted = await sql`
    insert into sweep_doubts (run_id, user_id)
    select ${run.runId}, u.id from users u
     where u.connection_id = ${run.sweep.connectionId} and ${isToWarn(run, snapshot)}`.execute(tx);
  const doubts = Number(inserted.numAffectedRows ?? 0n);
  const gone = out + unnamed - (await countUnnamed(tx, run));
  const kept = new Map([
    ['already_deactivated', gone],
    ['not_silent', users - gone - doubts],
  ]);
  return { users, doubts, kept };
}

/** Those without a directory id who have access. */
async function countUnnamed(tx: Tx, { sweep }: Pick<Run, 'sweep'>): Promise<number> {
  const { rows } = await sql<{ count: string }>`
    select count(*) as count from users u
     where connection_id = ${sweep.connectionId} and directory_id is null
       and ${HAS_ACCESS}`.execute(tx);
  return Number(rows[0]?.count);
}

/** Whether somebody's silence has to be counted. */
function isToWarn({ sweep }: Pick<Run, 'sweep'>, { startedAt }: CompleteSnapshot) {
  const { silence } = sweep.policy;
  return silence === undefined ? sql<boolean>`false` : maySilent(silence, startedAt);
}

/** What `decide` says of people for whom nothing can follow; the rest is left to it. */
function isKept(run: Pick<Run, 'sweep'>, held: ReturnType<typeof sql>) {
  return sql<boolean>`case
    when u.owner <> 'roll' then m.standing = 'present' or not ${HAS_ACCESS}
    when not ${HAS_ACCESS} then m.standing is distinct from 'present'
    when u.state = 'active' and m.standing = 'present' then ${keepsRoles(run, held)}
    else false end`;
}

/** The rules give what is held, neither more nor less; or it is not for the listing to say. */
function keepsRoles({ sweep }: Pick<Run, 'sweep'>, held: ReturnType<typeof sql>) {
  switch (sweep.policy.roles.mode) {
    case 'first_login':
      return sql<boolean>`true`;
    case 'additive':
      return sql<boolean>`m.groups is null or m.roles & ~${held} = m.roles & ~m.roles`;
    case 'authoritative':
      return sql<boolean>`m.groups is null or m.roles = ${held}`;
    default:
      return sweep.policy.roles.mode satisfies never;
  }
}

/** `recordMisses` forgets the misses of whom a snapshot names. */
function hasMissesToForget({ sweep }: Pick<Run, 'sweep'>) {
  if (sweep.policy.misses === undefined) return sql<boolean>`false`;
  return sql<boolean>`u.id in (select user_id from misses)`;
}

/**
 * Whether somebody's presence is to be written down again: `isConfirmationDue` in the
 * words of the database, in the same arithmetic of 64-bit floating point.
 */
function isToConfirm({ startedAt }: CompleteSnapshot) {
  const id = sql`uuid_send(u.id)`;
  const bits = sql`(get_byte(${id}, 0) * 16777216::float8 + get_byte(${id}, 1) * 65536
    + get_byte(${id}, 2) * 256 + get_byte(${id}, 3))`;
  const moment = sql`floor(${bits} / 4294967296 * ${DAY})`;
  const dayOf = (time: ReturnType<typeof sql>) => sql`floor((${time} - ${moment}) / ${DAY})`;
  const last = sql`round(date_part('epoch', u.last_confirmed_at) * 1000)`;
  return sql<boolean>`(m.standing = 'present' and u.owner = 'roll' and ${HAS_ACCESS}
    and (u.last_confirmed_at is null
      or (u.last_confirmed_at <= ${toTimestamp(startedAt)}::timestamptz - ${HOUR} * interval '1 millisecond'
        and ${dayOf(sql`${startedAt}::float8`)} > ${dayOf(last)})))`;
}
