// Runs Vitest and ends standard output with one line: `N passed, N failed`.
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runInForeground } from './child.mjs';
import { ROOT } from './places.mjs';

const [config, ...args] = process.argv.slice(2);
const folder = mkdtempSync(join(tmpdir(), 'rollcall-test-'));
const report = join(folder, 'report.json');
const notes = join(folder, 'notes');

try {
  const code = await runVitest();
  const counts = countTests(code);
  const told = existsSync(notes)
    ? [...new Set(readFileSync(notes, 'utf8').trim().split('\n'))]
    : [];
  for (const line of told) console.log(line);
  // Where machines judge, a half that did not run is a failure.
  const lacking = told.length > 0 && process.env.CI === 'true';
  const skipped = counts.skipped > 0 ? `, ${counts.skipped} skipped` : '';
  console.log(`${counts.passed} passed, ${counts.failed} failed${skipped}`);
  process.exitCode =
    code !== 0 ? code : Number(counts.failed > 0 || counts.passed === 0 || lacking);
} finally {
  rmSync(folder, { recursive: true, force: true });
}

function runVitest() {
  const vitest = join(ROOT, 'test/node_modules/vitest/vitest.mjs');
  const flags = [
    '--config',
    config,
    '--reporter=default',
    '--reporter=json',
    `--outputFile.json=${report}`,
  ];
  return runInForeground(
    process.execPath,
    ['--conditions=source', vitest, 'run', ...flags, ...args],
    { cwd: ROOT, env: { ...process.env, ROLLCALL_TEST_NOTES: notes } },
  );
}

/** A file that could not be loaded, or a run that broke off, is a failure though no test of it failed. */
function countTests(code) {
  if (!existsSync(report)) return { passed: 0, failed: 1, skipped: 0 };
  const result = JSON.parse(readFileSync(report, 'utf8'));
  const broken = result.testResults.filter(
    (file) =>
      file.status === 'failed' && !file.assertionResults.some((test) => test.status === 'failed'),
  );
  const failed = result.numFailedTests + broken.length;
  return {
    passed: result.numPassedTests,
    failed: failed === 0 && code !== 0 ? 1 : failed,
    skipped: result.numPendingTests + (result.numTodoTests ?? 0),
  };
}
