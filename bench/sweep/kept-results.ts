import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describeRevision } from '../frame/revision.ts';
import type { SizeResult } from './measure.ts';

const FOLDER = join(tmpdir(), 'rollcall-bench-sweep');

/**
 * Answers with what was measured before of the same commit, where a run was broken off;
 * else measures, and keeps it until {@link forgetResults}. Nothing is kept of a working
 * copy with changes.
 */
export async function keepResult(
  name: string,
  measure: () => Promise<SizeResult>,
): Promise<SizeResult> {
  const revision = await describeRevision();
  if (revision === '' || revision.includes(' with changes')) return measure();
  const file = join(FOLDER, `${revision.replaceAll(' ', '-')}-${name}.json`);
  const kept = await readFile(file, 'utf8').catch(() => null);
  if (kept !== null) return JSON.parse(kept);
  const result = await measure();
  await mkdir(FOLDER, { recursive: true });
  await writeFile(file, JSON.stringify(result));
  return result;
}

/** Forgets what was kept: it has been told. */
export async function forgetResults(): Promise<void> {
  await rm(FOLDER, { recursive: true, force: true });
}
