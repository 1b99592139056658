import { accessSync, constants, mkdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { Complaint } from './complaint.mjs';

/** The checkout. */
export const ROOT = resolve(
  import.meta.dirname ?? dirname(new URL(import.meta.url).pathname),
  '..',
);
/** What the scripts install for themselves; git ignores it. */
export const TOOLS = join(ROOT, '.tools');
/**
 * Where Node keeps what it has compiled, which halves the start of a program. In the
 * checkout, since whoever may write here can run code as whoever starts it.
 */
const COMPILED = join(TOOLS, 'compiled');

/** The environment of a program that runs the sources. */
export function programEnvironment() {
  return { NODE_COMPILE_CACHE: COMPILED, ...process.env };
}

/** @throws Complaint when this user cannot install into the checkout. */
export function requireWritable() {
  try {
    accessSync(ROOT, constants.W_OK);
    mkdirSync(TOOLS, { recursive: true });
    accessSync(TOOLS, constants.W_OK);
  } catch (error) {
    throw new Complaint(
      `The dependencies have to be installed in ${ROOT}, where this user may not write (${error.code}).`,
    );
  }
}

/**
 * Where npm and pnpm may keep their caches: in the home folder as usual, or, when
 * there is none that can be written to, in `.tools`.
 */
export function cacheEnvironment() {
  if (isWritable(homedir())) return {};
  const home = join(TOOLS, 'home');
  mkdirSync(home, { recursive: true });
  return {
    HOME: home,
    npm_config_cache: join(home, '.npm'),
    XDG_CACHE_HOME: join(home, '.cache'),
    XDG_CONFIG_HOME: join(home, '.config'),
    XDG_DATA_HOME: join(home, '.local/share'),
    XDG_STATE_HOME: join(home, '.local/state'),
  };
}

function isWritable(folder) {
  try {
    accessSync(folder, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}
