import type { ConnectionConfig } from '@rollcall/shared/config/types';
import type { Foundation } from '@rollcall/shared/engine/foundation';
import { examineDatabase } from './database.ts';
import { examineDirectory, examineSweeps } from './directory.ts';
import { examined, type Finding, faultOf, type Section } from './finding.ts';
import { examineCopy, examineIdentityProvider, examineOwnKeys } from './identity-provider.ts';
import type { Patient } from './patient.ts';
import { examineAcs, examinePublicUrl } from './public-address.ts';
import { examineQueue } from './queue.ts';
import { examineRedis } from './redis.ts';
import { examineScim } from './scim.ts';
import { examineSecrets } from './secrets.ts';
import { examineSignIns } from './sign-ins.ts';
import { examineSinks } from './sinks.ts';

/** What of the database could be had. */
interface Stored {
  readonly findings: readonly Finding[];
  /** Null: it does not answer, or has another schema. */
  readonly foundation: Foundation | null;
}

const CURE_DATABASE = 'Start Postgres, and let database.url (or DATABASE_URL) name it.';
const CURE_ADDRESS = 'Correct public_url.';
const CURE_DIRECTORY = 'Correct the directory of the connection, and its credentials.';
const CURE_REDIS = 'Start Redis, and let redis.url (or REDIS_URL) name it.';

/**
 * Examines the house and each connection. Never throws: what does not answer is a
 * fault, and everything that does not need it is examined all the same. Changes nothing.
 */
export async function examine(patient: Patient): Promise<readonly Section[]> {
  const opening = patient.openDatabase();
  try {
    const stored = examineStored(patient, opening);
    const wanted = patient.config.connections.filter(
      ({ id }) => patient.only === null || id === patient.only,
    );
    return await Promise.all([
      examineHouse(patient, stored),
      ...wanted.map((connection) => examineConnection(connection, patient, stored)),
    ]);
  } finally {
    await opening.then(
      (foundation) => foundation.close(),
      () => undefined,
    );
  }
}

async function examineStored(patient: Patient, opening: Promise<Foundation>): Promise<Stored> {
  let found: Foundation;
  try {
    found = await opening;
  } catch (error) {
    return { findings: [faultOf('database', error, CURE_DATABASE)], foundation: null };
  }
  let usable = false;
  const findings = await examined(
    'database',
    () => CURE_DATABASE,
    async () => {
      const examination = await examineDatabase(found, patient);
      usable = examination.usable;
      return examination.findings;
    },
  );
  return { findings, foundation: usable ? found : null };
}

async function examineHouse(patient: Patient, storing: Promise<Stored>): Promise<Section> {
  const redis = examined(
    'redis',
    () => CURE_REDIS,
    () => examineRedis(patient),
  );
  const parts = await Promise.all([
    examined(
      'secrets',
      () => 'Correct the configuration.',
      () => examineSecrets(patient),
    ),
    storing.then(({ findings }) => findings),
    redis,
    Promise.all([storing, redis]).then(([stored, answered]) =>
      // BullMQ waits for its store for ever, and the fault is told already.
      stored.foundation === null || answered.some(({ verdict, code }) => isAway(verdict, code))
        ? []
        : examineStoredQueue(stored.foundation, patient),
    ),
    storing.then(({ foundation }) =>
      foundation === null
        ? []
        : examined(
            'notify',
            () => CURE_DATABASE,
            () => examineSinks(foundation.db, patient),
          ),
    ),
    examined(
      'address',
      () => CURE_ADDRESS,
      () => examinePublicUrl(patient),
    ),
  ]);
  return { connection: null, findings: parts.flat() };
}

function isAway(verdict: Finding['verdict'], code: Finding['code']): boolean {
  return verdict === 'fault' && code !== 'doctor.redis_evicts';
}

function examineStoredQueue(foundation: Foundation, patient: Patient): Promise<readonly Finding[]> {
  return examined(
    'queue',
    () => CURE_DATABASE,
    () => examineQueue(foundation, patient),
  );
}

async function examineConnection(
  connection: ConnectionConfig,
  patient: Patient,
  storing: Promise<Stored>,
): Promise<Section> {
  const { id, preset } = connection;
  const { advice, clock } = patient;
  const cureOr = (usual: string) => (code: string) => advice.of(code, preset) ?? usual;
  const parts = await Promise.all([
    examined('metadata', cureOr('Correct the idp of the connection.'), () =>
      examineIdentityProvider(connection, patient),
    ),
    examineOwnKeys(connection, patient),
    examined('address', cureOr(CURE_ADDRESS), () => examineAcs(connection, patient)),
    examined('directory', cureOr(CURE_DIRECTORY), () => examineDirectory(connection, patient)),
    storing.then(async ({ foundation }) =>
      foundation === null
        ? []
        : examined(
            'scim',
            () => CURE_DATABASE,
            () => examineScim(connection, foundation.db, patient),
          ),
    ),
    storing.then(async ({ foundation }) =>
      foundation === null
        ? []
        : examined('sweep', cureOr(CURE_DATABASE), async () => [
            ...(await examineCopy(connection, foundation.db, patient)),
            ...(await examineSweeps(connection, foundation.db, clock())),
            ...(await examineSignIns(connection, foundation.db, patient)),
          ]),
    ),
  ]);
  return { connection: id, findings: parts.flat() };
}
