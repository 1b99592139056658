import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { runQuietly } from './child.mjs';
import { explainInstall } from './complaint.mjs';
import { withLock } from './lock.mjs';
import { cacheEnvironment, ROOT, requireWritable, TOOLS } from './places.mjs';
import { ensurePnpm, findNode, installNode, withoutNpmContext } from './toolchain.mjs';

/** Names the state of the manifests that the last finished install was for. */
const STAMP = join(TOOLS, 'installed');

/**
 * Makes sure of Node, pnpm and every dependency, and answers with the Node to use.
 * When all is there this reads some small files and nothing else.
 *
 * @returns {Promise<string>}
 */
export async function ensureDependencies() {
  const node = findNode();
  if (node !== undefined && isInstalled()) return node;
  requireWritable();
  const onWait = () => console.error('Another install is under way here; waiting for it.');
  return withLock(join(TOOLS, 'install.lock'), install, onWait);
}

async function install() {
  const there = findNode();
  if (there !== undefined && isInstalled()) return there;
  console.error('Installing what is missing; the first time this takes a minute or two.');
  const node = there ?? (await installNode());
  if (isInstalled()) return node;
  const pnpm = await ensurePnpm();
  rmSync(STAMP, { force: true });
  const fingerprint = fingerprintManifests();
  const flags = [
    '--frozen-lockfile',
    '--prefer-offline',
    '--reporter=append-only',
    '--config.confirmModulesPurge=false',
  ];
  const { code, output } = await runQuietly(node, [pnpm, 'install', ...flags], {
    cwd: ROOT,
    env: { ...withoutNpmContext(process.env), ...cacheEnvironment(), PATH: pathWith(node) },
  });
  if (code !== 0) throw explainInstall('The dependencies', output);
  writeFileSync(STAMP, fingerprint);
  return node;
}

/** The PATH on which `node` is the one given. */
export function pathWith(node) {
  return `${dirname(node)}${delimiter}${process.env.PATH ?? ''}`;
}

function isInstalled() {
  if (!existsSync(join(ROOT, 'node_modules/.modules.yaml')) || !existsSync(STAMP)) return false;
  return readFileSync(STAMP, 'utf8') === fingerprintManifests();
}

function fingerprintManifests() {
  const packages = readdirSync(join(ROOT, 'packages')).sort();
  const folders = ['.', 'test', 'bench', ...packages.map((name) => join('packages', name))];
  const files = [
    'pnpm-lock.yaml',
    'pnpm-workspace.yaml',
    ...folders.map((folder) => join(folder, 'package.json')),
  ];
  const hash = createHash('sha256').update(`${process.platform}-${process.arch}`);
  for (const file of files.filter((name) => existsSync(join(ROOT, name)))) {
    hash.update(`\0${file}\0`).update(readFileSync(join(ROOT, file)));
  }
  return hash.digest('hex');
}
