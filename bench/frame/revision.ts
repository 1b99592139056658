import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** The commit that was measured, marked where files differ from it; empty outside a working copy. */
export async function describeRevision(): Promise<string> {
  const cwd = import.meta.dirname;
  try {
    const { stdout: commit } = await run('git', ['rev-parse', '--short', 'HEAD'], { cwd });
    const { stdout: changes } = await run(
      'git',
      ['status', '--porcelain', '--', '../../packages'],
      {
        cwd,
      },
    );
    return `commit ${commit.trim()}${changes.trim() === '' ? '' : ' with changes'}`;
  } catch {
    return '';
  }
}
