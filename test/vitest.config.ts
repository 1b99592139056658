import { defineConfig } from 'vitest/config';
import { LongestFirst } from './setup/longest-first.ts';
import base from './vitest.base.ts';

const { include: _, ...test } = base.test ?? {};
// What is set up for the whole run would be set up for each project anew.
const { globalSetup: __, ...shared } = test;
const resolve = base.resolve ?? {};

export default defineConfig({
  ...base,
  test: {
    ...test,
    sequence: { sequencer: LongestFirst },
    projects: [
      // Pure code leaves nothing behind, so its files may share a process and what it has
      // loaded: a third of their time is loading.
      {
        resolve,
        test: { ...shared, name: 'unit', include: ['test/unit/**/*.test.ts'], isolate: false },
      },
      {
        resolve,
        test: {
          ...shared,
          name: 'whole',
          include: ['test/{integration,conformance,e2e}/**/*.test.ts'],
        },
      },
    ],
  },
});
