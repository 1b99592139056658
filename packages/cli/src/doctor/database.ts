import { migrationStatus } from '@rollcall/shared/db/migrate';
import { fromTimestamp } from '@rollcall/shared/db/timestamp';
import type { Foundation } from '@rollcall/shared/engine/foundation';
import { sayDatabase } from '../queries/check-configuration.ts';
import { judgeClock } from './clock.ts';
import { type Finding, faultOf, ok, wrong } from './finding.ts';
import type { Patient } from './patient.ts';

/** The oldest Postgres that is supported, as `server_version_num`. */
const OLDEST = 140_000;
const CURE_SCHEMA = 'Start the version of Rollcall that this database belongs to.';

/** The database as it was found. */
export interface DatabaseExamination {
  readonly findings: readonly Finding[];
  /** Its schema is that of this version, so that the other checks may read it. */
  readonly usable: boolean;
}

interface ServerFacts {
  readonly version: string;
  readonly number: number;
  readonly now: Date;
  readonly replica: boolean;
}

/** Version, migrations and clock of a database that answers. */
export async function examineDatabase(
  { pool }: Foundation,
  { config, clock }: Patient,
): Promise<DatabaseExamination> {
  // The first query opens the connection, which takes longer than the answer.
  await pool.query('select 1');
  const before = clock();
  const answer = await pool.query<ServerFacts>(
    `select current_setting('server_version') as version,
            current_setting('server_version_num')::integer as number,
            clock_timestamp() as now, pg_is_in_recovery() as replica`,
  );
  const after = clock();
  const [facts] = answer.rows;
  if (facts === undefined) throw new RangeError('a select without a row');
  const said = fromTimestamp(facts.now);
  const time = judgeClock('clock', "the database's clock", { before, after, said, grainMs: 1 });
  const schema = await examineSchema(pool);
  const server = examineServer(facts, sayDatabase(config));
  return { findings: [server, ...schema.findings, time], usable: schema.usable };
}

function examineServer({ version, number, replica }: ServerFacts, where: string): Finding {
  const named = `PostgreSQL ${version.split(' ')[0]} (${where})`;
  if (replica) {
    return wrong('fault', 'database', {
      code: 'doctor.database_read_only',
      message: `${named} is a standby: expected one that can be written to`,
      cure: 'Let database.url name the primary.',
    });
  }
  if (number >= OLDEST) return ok('database', named);
  return wrong('fault', 'database', {
    code: 'doctor.database_too_old',
    message: `expected PostgreSQL 14 or newer, received ${version}`,
    cure: 'Upgrade Postgres.',
  });
}

async function examineSchema(pool: Foundation['pool']): Promise<DatabaseExamination> {
  try {
    const { applied, pending } = await migrationStatus(pool);
    const usable = pending.length === 0;
    if (usable) return { findings: [ok('migrations', `all ${applied.length} applied`)], usable };
    const finding = wrong('fault', 'migrations', {
      code: 'database.migrations_pending',
      message: `the database lacks ${pending.join(', ')}`,
      cure: 'rollcall migrate',
    });
    return { findings: [finding], usable };
  } catch (error) {
    return { findings: [faultOf('migrations', error, CURE_SCHEMA)], usable: false };
  }
}
