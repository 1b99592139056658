import { statSync } from 'node:fs';
import { formatReference, type SecretReference } from '@rollcall/shared/config/secrets';
import { checkSecrets } from '../queries/check-configuration.ts';
import { type Finding, ok, wrong } from './finding.ts';
import type { Patient } from './patient.ts';

/** Read and write for others than owner and group. */
const OTHERS = 0o006;

/** Whether every secret can be read, and by nobody else on this machine. */
export async function examineSecrets({ config, env }: Patient): Promise<readonly Finding[]> {
  const checked = await checkSecrets(config, env);
  const problems = checked.filter((problem) => problem !== null);
  const findings = problems.map(({ path, code, message }) =>
    wrong('fault', 'secrets', {
      code,
      message: `${path}: ${message}`,
      cure: 'Set the variable or write the file that the configuration names.',
    }),
  );
  const readable = ok('secrets', `${checked.length - problems.length} readable`);
  return [...(findings.length === 0 ? [readable] : findings), ...examinePermissions(config)];
}

/** Secrets and keys in files that any account on this machine may read. */
function examinePermissions(config: unknown): readonly Finding[] {
  const paths = new Set(
    [...referencesIn(config)].flatMap((one) => (one.kind === 'file' ? [one.path] : [])),
  );
  return [...paths].filter(isOpenToOthers).map((path) =>
    wrong('warning', 'secrets', {
      code: 'doctor.secret_readable_by_others',
      message: `${formatReference({ kind: 'file', path })} may be read by every account on this machine`,
      cure: `chmod o-rwx ${path}`,
    }),
  );
}

function isOpenToOthers(path: string): boolean {
  // Windows has no such bits.
  if (process.platform === 'win32') return false;
  const mode = statSync(path, { throwIfNoEntry: false })?.mode ?? 0;
  return (mode & OTHERS) !== 0;
}

/** Every reference to a secret, wherever in the configuration it is. */
function* referencesIn(value: unknown): Generator<SecretReference> {
  if (typeof value !== 'object' || value === null) return;
  if (isReference(value)) yield value;
  else for (const part of Object.values(value)) yield* referencesIn(part);
}

function isReference(value: object): value is SecretReference {
  if (!('kind' in value)) return false;
  if (value.kind === 'file') return 'path' in value && typeof value.path === 'string';
  return value.kind === 'env' && 'name' in value;
}
