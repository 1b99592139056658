import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, it } from 'vitest';

const MAIN = join(import.meta.dirname, '../../../packages/cli/src/main.ts');

/** Prints what is loaded, one URL a line, when the process ends. */
const TELL_LOADED = `data:text/javascript,${encodeURIComponent(`
  import { registerHooks } from 'node:module';
  const loaded = [];
  registerHooks({ load: (url, context, next) => (loaded.push(url), next(url, context)) });
  process.on('exit', () => console.error(loaded.join('\\n')));
  console.log = console.error;
`)}`;

function packagesLoaded(...args: readonly string[]): string[] {
  const flags = ['--conditions=source', `--import=${TELL_LOADED}`, MAIN];
  const told = execFileSync(
    'sh',
    ['-c', 'exec "$@" 2>&1 >/dev/null', 'sh', process.execPath, ...flags, ...args],
    {
      encoding: 'utf8',
    },
  );
  expect(told).toContain('cli/src/main.ts');
  const names = [...told.matchAll(/node_modules\/((?!\.pnpm)(?:@[^/]+\/)?[^/]+)\/.*$/gm)];
  return [...new Set(names.map(([, name = '']) => name))].sort();
}

it('help loads the names and options of the commands, and nothing that does their work', () => {
  expect(packagesLoaded('--help')).toEqual(['commander', 'picocolors']);
  expect(packagesLoaded('sweep', 'apply', '--help')).toEqual(['commander', 'picocolors']);
});
