import { mergeConfig } from 'vitest/config';
import base from './vitest.base.ts';

const config = mergeConfig(base, {
  test: { testTimeout: 120_000, hookTimeout: 300_000, maxWorkers: 1 },
});
// Merging would join the two lists, and run every test again.
if (config.test !== undefined) config.test.include = ['test/simplesamlphp/**/*.test.ts'];

export default config;
