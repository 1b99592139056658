import { toConnectionId } from '@rollcall/shared/core/ids';
import { currentTime } from '@rollcall/shared/db/timestamp';
import { history } from '@rollcall/sweeper/plan/read';
import { withFoundation } from '../compose/with-foundation.ts';
import { EXIT, type ExitCode } from '../exit-code.ts';
import type { Invocation } from '../invocation.ts';
import { historyToJson, renderHistory } from '../render/sweep-history.ts';

export async function listSweeps(
  connection: string | undefined,
  limit: number,
  invocation: Invocation,
): Promise<ExitCode> {
  const filter = connection === undefined ? {} : { connectionId: toConnectionId(connection) };
  const records = await withFoundation(invocation, { engine: false }, ({ foundation }) =>
    history(foundation.db, { ...filter, limit }),
  );
  const { terminal, json } = invocation;
  if (json) terminal.printJson(historyToJson(records));
  else terminal.print(renderHistory(records, currentTime(), terminal.colors));
  return EXIT.ok;
}
