import { execFile } from 'node:child_process';
import { access, mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';

/** The newest release that was seen to run on Java 17. */
const VERSION = '26.7.5';
const TOOLS = resolve(import.meta.dirname, '../../../.tools/keycloak');
const MINUTES_MS = 60_000;
const run = promisify(execFile);

/** Options that Keycloak fixes when it is built; the rest are given at the start. */
const BUILD_OPTIONS = ['--db=dev-mem', '--health-enabled=false', '--metrics-enabled=false'];

/**
 * The folder of a Keycloak that is built for an in-memory database. The first
 * call takes it from Maven Central and builds it, about a minute; later ones find
 * it in `.tools/`. Needs `mvn` and Java 17 or newer; an error says what is missing.
 */
export async function prepareKeycloak(): Promise<string> {
  const ready = join(TOOLS, `keycloak-${VERSION}`);
  if (await exists(ready)) return ready;
  await mkdir(TOOLS, { recursive: true });
  // Made elsewhere and renamed when it is whole, so that a broken-off run leaves nothing half done.
  const workshop = await mkdtemp(join(TOOLS, 'unfinished-'));
  try {
    await runTool(workshop, 'mvn', [
      '--batch-mode',
      '--quiet',
      'org.apache.maven.plugins:maven-dependency-plugin:3.8.1:unpack',
      `-Dartifact=org.keycloak:keycloak-quarkus-dist:${VERSION}:zip`,
      `-DoutputDirectory=${workshop}`,
    ]);
    const made = join(workshop, `keycloak-${VERSION}`);
    await runTool(workshop, 'sh', [join(made, 'bin/kc.sh'), 'build', ...BUILD_OPTIONS]);
    await rename(made, ready).catch(async (error: unknown) => {
      // Another run was faster.
      if (!(await exists(ready))) throw error;
    });
  } finally {
    await rm(workshop, { recursive: true, force: true });
  }
  return ready;
}

/** Maven leaves markers in the folder that it runs in. */
async function runTool(cwd: string, program: string, args: readonly string[]): Promise<void> {
  try {
    await run(program, [...args], { cwd, timeout: 10 * MINUTES_MS, maxBuffer: 16 * 1024 * 1024 });
  } catch (cause) {
    const output = cause instanceof Error && 'stdout' in cause ? String(cause.stdout) : '';
    throw new Error(
      `Keycloak could not be prepared: ${program} failed. It needs Maven, Java 17 or newer and ` +
        `Maven Central.\n${output.slice(-2_000)}`,
      { cause },
    );
  }
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
