import { execFile } from 'node:child_process';
import { access, mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';

const TOOLS = resolve(import.meta.dirname, '../../../.tools');
const PACKAGE = 'simplesamlphp';
const run = promisify(execFile);

/**
 * The folder of SimpleSAMLphp's code. The first call takes Debian's package and
 * unpacks it into `.tools/` without installing it, since its web server is not
 * wanted; later ones find it there. Needs `apt-get` and `dpkg`, and `php` with its
 * modules xml and mbstring to run it; an error says what is missing.
 */
export async function prepareSimpleSaml(): Promise<string> {
  const ready = join(TOOLS, PACKAGE);
  const code = join(ready, 'usr/share/simplesamlphp');
  if (await exists(code)) return code;
  await mkdir(TOOLS, { recursive: true });
  // Made elsewhere and renamed when it is whole, so that a broken-off run leaves nothing half done.
  const workshop = await mkdtemp(join(TOOLS, 'unfinished-'));
  try {
    await download(workshop);
    const [file] = (await readdir(workshop)).filter((name) => name.endsWith('.deb'));
    await runTool(workshop, 'dpkg', ['-x', join(workshop, file ?? ''), join(workshop, 'made')]);
    await rename(join(workshop, 'made'), ready).catch(async (error: unknown) => {
      // Another run was faster.
      if (!(await exists(code))) throw error;
    });
  } finally {
    await rm(workshop, { recursive: true, force: true });
  }
  return code;
}

/** Where the lists are old or none, root can bring them up to date. */
async function download(workshop: string): Promise<void> {
  try {
    await runTool(workshop, 'apt-get', ['download', PACKAGE]);
  } catch (error) {
    if (process.getuid?.() !== 0) throw error;
    await runTool(workshop, 'apt-get', ['update']);
    await runTool(workshop, 'apt-get', ['download', PACKAGE]);
  }
}

/** apt-get downloads into the folder that it runs in, as a user of its own where it can. */
async function runTool(cwd: string, program: string, args: readonly string[]): Promise<void> {
  try {
    await run(program, [...args], { cwd, timeout: 180_000 });
  } catch (cause) {
    throw new Error(
      `SimpleSAMLphp could not be prepared: ${program} ${args[0]} failed. It needs Debian's apt-get ` +
        'with up-to-date lists (apt-get update), and dpkg.',
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
