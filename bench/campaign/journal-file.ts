import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const ROOT = join(import.meta.dirname, '../..');

/**
 * Where the runs of this commit are kept; null outside a working copy, and where the
 * product or the campaign differ from the commit.
 */
export async function journalFile(): Promise<string | null> {
  const git = async (...args: string[]) => (await run('git', args, { cwd: ROOT })).stdout.trim();
  try {
    const commit = await git('rev-parse', '--short', 'HEAD');
    const changes = await git('status', '--porcelain', '--', 'packages', 'test/campaign');
    return changes === '' ? join(ROOT, `.rollcall/campaign-runs/${commit}.jsonl`) : null;
  } catch {
    return null;
  }
}
