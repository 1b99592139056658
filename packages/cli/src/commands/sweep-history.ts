import { toConnectionId } from '@rollcall/shared/core/ids';
import { after } from '@rollcall/shared/core/time';
import type { SweepState } from '@rollcall/shared/db/tables';
import { currentTime } from '@rollcall/shared/db/timestamp';
import { history } from '@rollcall/sweeper/plan/read';
import { withFoundation } from '../compose/with-foundation.ts';
import { EXIT, type ExitCode } from '../exit-code.ts';
import type { Invocation } from '../invocation.ts';
import { historyToJson, renderHistory } from '../render/sweep-history.ts';

export interface HistoryOptions {
  readonly limit: number;
  readonly state?: SweepState;
  /** How long ago at most, in milliseconds. */
  readonly since?: number;
}

export async function listSweeps(
  connection: string | undefined,
  { limit, state, since }: HistoryOptions,
  invocation: Invocation,
): Promise<ExitCode> {
  const filter = {
    ...(connection === undefined ? {} : { connectionId: toConnectionId(connection) }),
    ...(state === undefined ? {} : { state }),
    ...(since === undefined ? {} : { since: after(currentTime(), -since) }),
  };
  const records = await withFoundation(invocation, { engine: false }, ({ foundation }) =>
    history(foundation.db, { ...filter, limit }),
  );
  const { terminal, json } = invocation;
  if (json) terminal.printJson(historyToJson(records));
  else
    terminal.print(
      renderHistory(
        records,
        currentTime(),
        terminal.colors,
        state !== undefined || since !== undefined,
      ),
    );
  return EXIT.ok;
}
