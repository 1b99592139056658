import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ConfigInput } from '@rollcall/shared/config/types';
import { makeFolder, rollcall } from '../integration/cli/rollcall.ts';

/** What a command said, and how it ended. */
export interface Typed {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
  /** What `--json` printed. */
  json(): ReturnType<JSON['parse']>;
}

/** Types a command where a configuration stands whose database is a test's. */
export async function typed(
  args: readonly string[],
  config: ConfigInput | Record<string, unknown>,
  databaseUrl: string,
): Promise<Typed> {
  const cwd = makeFolder();
  const whole = { ...config, database: { url: 'env:TYPED_DATABASE' } };
  writeFileSync(join(cwd, 'rollcall.yaml'), JSON.stringify(whole));
  const { code, stdout, stderr } = await rollcall(args, {
    cwd,
    env: { TYPED_DATABASE: databaseUrl },
  });
  return { code, out: stdout, err: stderr, json: () => JSON.parse(stdout) };
}
