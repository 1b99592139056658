import { mergeConfig } from 'vitest/config';
import base from './vitest.base.ts';

const config = mergeConfig(base, {
  test: { testTimeout: 60_000, hookTimeout: 180_000, maxWorkers: 1 },
});
// Merging would join the two lists, and run every test again.
if (config.test !== undefined) config.test.include = ['test/ldap/**/*.test.ts'];

export default config;
