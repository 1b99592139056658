import { loadConfig } from '@rollcall/shared/config/load';
import { withFoundation } from '../compose/with-foundation.ts';
import { EXIT, type ExitCode } from '../exit-code.ts';
import type { Invocation } from '../invocation.ts';
import { previewAgainstUsers } from '../queries/against-users.ts';
import { againstUsersToJson, renderAgainstUsers } from '../render/against-users.ts';

/** `rollcall check --against-users`: exit 2 where somebody's roles would change. */
export async function checkAgainstUsers(
  options: { readonly from?: string; readonly limit: number },
  invocation: Invocation,
): Promise<ExitCode> {
  const from = options.from === undefined ? null : await loadConfig(options.from, invocation.env);
  const compared = options.from ?? 'what they hold';
  const report = await withFoundation(
    invocation,
    { engine: false },
    ({ config, foundation: { db } }) => previewAgainstUsers(db, config, from, options.limit),
  );
  const { terminal, json } = invocation;
  if (json) terminal.printJson(againstUsersToJson(report, compared));
  else terminal.print(renderAgainstUsers(report, compared, terminal.colors));
  return report.changed === 0 ? EXIT.ok : EXIT.changesPending;
}
