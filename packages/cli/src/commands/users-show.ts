import { currentTime } from '@rollcall/shared/db/timestamp';
import { withFoundation } from '../compose/with-foundation.ts';
import { EXIT, type ExitCode } from '../exit-code.ts';
import type { Invocation } from '../invocation.ts';
import { requireOneUser } from '../queries/one-user.ts';
import { showUser } from '../queries/shown-user.ts';
import { renderUser, shownUserToJson } from '../render/user.ts';

export async function show(text: string, invocation: Invocation): Promise<ExitCode> {
  const now = currentTime();
  const shown = await withFoundation(
    invocation,
    { engine: false },
    async ({ config, foundation: { db } }) =>
      showUser(db, config, await requireOneUser(db, text, invocation), now),
  );
  const { terminal, json } = invocation;
  if (json) terminal.printJson(shownUserToJson(shown));
  else terminal.print(renderUser(shown, now, terminal.colors));
  return EXIT.ok;
}
