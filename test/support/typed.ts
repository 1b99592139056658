import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runCommandLine } from '@rollcall/cli/main';
import { openTerminal } from '@rollcall/cli/terminal';
import type { ConfigInput } from '@rollcall/shared/config/types';

/** What a command said, and how it ended. */
export interface Typed {
  readonly code: number;
  readonly out: string;
  readonly err: string;
  /** What `--json` printed. */
  json(): ReturnType<JSON['parse']>;
}

/** Types a command in this process: for whatever does not depend on the process itself. */
export async function typed(
  args: readonly string[],
  config: ConfigInput | Record<string, unknown>,
  databaseUrl: string,
): Promise<Typed> {
  const workingDirectory = mkdtempSync(join(tmpdir(), 'rollcall-typed-'));
  const [out, err]: [string[], string[]] = [[], []];
  try {
    const whole = { ...config, database: { url: 'env:TYPED_DATABASE' } };
    const file = join(workingDirectory, 'rollcall.yaml');
    writeFileSync(file, JSON.stringify(whole));
    const terminal = openTerminal(
      { write: (text) => out.push(text) },
      { write: (text) => err.push(text) },
      {},
    );
    const env = { TYPED_DATABASE: databaseUrl };
    const code = await runCommandLine([...args, '--config', file], {
      env,
      workingDirectory,
      terminal,
    });
    return { code, out: out.join(''), err: err.join(''), json: () => JSON.parse(out.join('')) };
  } finally {
    rmSync(workingDirectory, { recursive: true, force: true });
  }
}
