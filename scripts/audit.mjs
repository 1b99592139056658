// Asks the registry for advisories about what the lockfile names. Fails on one about a
// production dependency that docs/threat-model.md does not explain by its id; names
// those of development. Where the registry cannot be asked it says so and does not fail.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { runQuietly } from './child.mjs';
import { UNREACHABLE } from './complaint.mjs';
import { cacheEnvironment, ROOT } from './places.mjs';
import { ensurePnpm, withoutNpmContext } from './toolchain.mjs';

/** What an audit endpoint that is not there, or cannot audit, looks like. */
const NOT_ASKED = /ERR_PNPM_AUDIT_(?:BAD_RESPONSE|ENDPOINT_NOT_EXISTS)|ERR_PNPM_META_FETCH_FAIL/;
const PATIENCE_MS = 60_000;
/** What only we run: its paths in the dependency tree begin so. */
const WORKSHOP = /^(?:bench|test)>/;

const page = readFileSync(join(ROOT, 'docs/threat-model.md'), 'utf8');
const [production, development] = [await ask('--prod'), await ask('--dev')];
if (production === null || development === null) {
  console.log('The registry cannot be asked for advisories: nothing was audited.');
} else {
  const shipped = production.filter(({ paths }) => paths.some((path) => !WORKSHOP.test(path)));
  const workshop = [...production.filter((one) => !shipped.includes(one)), ...development];
  const unexplained = shipped.filter(({ id }) => !page.includes(id));
  for (const advisory of shipped) report(advisory, unexplained.includes(advisory));
  for (const advisory of workshop) console.log(`development only: ${sentenceOf(advisory)}`);
  console.log(
    `${shipped.length} advisories about production dependencies, ${unexplained.length} of them unexplained; ${workshop.length} about development.`,
  );
  process.exitCode = unexplained.length > 0 ? 1 : 0;
}

/** The advisories of one half of the dependencies; null where nobody could be asked. */
async function ask(half) {
  const pnpm = await ensurePnpm();
  const { output } = await runQuietly(process.execPath, [pnpm, 'audit', half, '--json'], {
    cwd: ROOT,
    timeout: PATIENCE_MS,
    env: {
      ...withoutNpmContext(process.env),
      ...cacheEnvironment(),
      pnpm_config_fetch_retries: '1',
      pnpm_config_fetch_retry_mintimeout: '500',
      pnpm_config_fetch_timeout: '10000',
    },
  });
  // Warnings of pnpm may come before it.
  const start = output.indexOf('{');
  try {
    return readAdvisories(JSON.parse(output.slice(Math.max(0, start))));
  } catch {
    if (output.trim() === '' || NOT_ASKED.test(output) || UNREACHABLE.test(output)) return null;
    throw new Error(`pnpm audit answered with no JSON: ${output.slice(0, 500)}`);
  }
}

function readAdvisories({ advisories }) {
  return Object.values(advisories).map((advisory) => ({
    id: advisory.github_advisory_id ?? advisory.url,
    name: advisory.module_name,
    severity: advisory.severity,
    title: advisory.title,
    versions: advisory.findings.map(({ version }) => version),
    paths: advisory.findings.flatMap(({ paths }) => paths),
  }));
}

function report(advisory, isUnexplained) {
  if (!isUnexplained) console.log(`explained: ${sentenceOf(advisory)}`);
  else console.error(`NOT explained in docs/threat-model.md: ${sentenceOf(advisory)}`);
}

function sentenceOf({ id, name, severity, title, versions, paths }) {
  return `${name} ${versions.join(', ')} (${severity}) ${id}: ${title}; by ${paths[0]}`;
}
