import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { runInForeground } from './child.mjs';
import { Complaint } from './complaint.mjs';
import { ensureDependencies, pathWith } from './dependencies.mjs';
import { programEnvironment, ROOT } from './places.mjs';

const CLI = 'packages/cli/src/main.ts';
const BIOME = 'node_modules/@biomejs/biome/bin/biome';
const TSC = 'node_modules/typescript/bin/tsc';

/**
 * Each command is one or more programs for Node. All of them run even if one
 * fails, so that `check` tells everything at once.
 *
 * @type {Record<string, (args: string[]) => string[][]>}
 */
const COMMANDS = {
  start: (args) => [[CLI, 'start', ...args]],
  migrate: (args) => [[CLI, 'migrate', ...args]],
  test: (args) => [['scripts/test.mjs', 'test/vitest.config.ts', ...args]],
  'test:endurance': (args) => [['scripts/test.mjs', 'test/vitest.endurance.config.ts', ...args]],
  'test:long': (args) => [['scripts/test.mjs', 'test/vitest.long.config.ts', ...args]],
  'test:keycloak': (args) => [['scripts/test.mjs', 'test/vitest.keycloak.config.ts', ...args]],
  'test:simplesamlphp': (args) => [
    ['scripts/test.mjs', 'test/vitest.simplesamlphp.config.ts', ...args],
  ],
  campaign: (args) => [['test/campaign/main.ts', ...args]],
  'test:ldap': (args) => [['scripts/test.mjs', 'test/vitest.ldap.config.ts', ...args]],
  bench: (args) => [['bench/main.ts', ...args]],
  check: () => [
    [BIOME, 'check'],
    [TSC, '-p', 'tsconfig.json'],
    [TSC, '-p', 'tsconfig.pure.json'],
  ],
  audit: () => [['scripts/audit.mjs']],
  format: (args) => [[BIOME, 'check', '--write', ...args]],
  build: () => [
    [TSC, '-b', ...readdirSync(join(ROOT, 'packages')).map((name) => join('packages', name))],
  ],
};

/**
 * @param {string | undefined} name
 * @param {string[]} args
 * @returns {Promise<number>} the exit code
 */
export async function runCommand(name, args) {
  if (name === undefined || !Object.hasOwn(COMMANDS, name)) {
    throw new Complaint(
      `There is no command "${name ?? ''}"; there are ${Object.keys(COMMANDS).join(', ')}.`,
    );
  }
  const node = await ensureDependencies();
  let worst = 0;
  for (const program of COMMANDS[name](args)) {
    const code = await runInForeground(node, ['--conditions=source', ...program], {
      cwd: ROOT,
      env: { ...programEnvironment(), PATH: pathWith(node) },
    });
    worst = worst || code;
    // 128 + a signal: the user wants it all to stop.
    if (code > 128) break;
  }
  return worst;
}
