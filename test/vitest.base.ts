import { resolve } from 'node:path';
import { defineConfig } from 'vitest/config';

/**
 * Start it with `node --conditions=source`, as `npm test` does. Node itself loads
 * the sources, exactly as `npm start` does: nothing has to be built, and what a
 * bundler would forgive fails here too.
 */
export default defineConfig({
  root: resolve(import.meta.dirname, '..'),
  resolve: { conditions: ['source', 'node'] },
  test: {
    include: ['test/{unit,integration,conformance,e2e}/**/*.test.ts'],
    globalSetup: ['test/setup/global.ts'],
    pool: 'forks',
    // One more than the cores of a small machine: many tests wait for clocks and processes.
    maxWorkers: 3,
    execArgv: ['--conditions=source'],
    experimental: { viteModuleRunner: false },
    testTimeout: 30_000,
    hookTimeout: 60_000,
    teardownTimeout: 30_000,
    // A test that only passes at the second try is a test that fails.
    retry: 0,
    passWithNoTests: false,
  },
});
