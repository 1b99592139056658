import type { EpochMs } from '@rollcall/shared/core/time';
import type { ListedScimRequest } from '@rollcall/shared/db/scim-requests';
import type { Colors } from '../terminal.ts';
import { type Cell, renderTable } from './table.ts';
import { sayWhen, toIso } from './when.ts';

/** For people. `next` is where the next page begins, null at the end. */
export function renderScimLog(
  requests: readonly ListedScimRequest[],
  next: string | null,
  now: EpochMs,
  colors: Colors,
): string {
  if (requests.length === 0) {
    return 'No requests. They are kept for `retention.scim_requests`; `rollcall scim token list` shows when a client was here last.';
  }
  const dim = (text: string): Cell => ({ text, paint: colors.dim });
  const head = ['WHEN', 'CONNECTION', 'TOKEN', 'STATUS', 'MS', 'REQUEST', 'MEANING', 'REFERENCE'];
  const table = renderTable([
    head.map(dim),
    ...requests.map((one) => [
      sayWhen(one.at, now),
      one.connectionId ?? '-',
      one.token ?? '-',
      statusCell(one, colors),
      String(one.durationMs),
      `${one.method} ${shortPath(one)}`,
      one.meaning,
      dim(one.reference),
    ]),
  ]);
  const missing = requests.reduce((sum, { dropped }) => sum + dropped, 0);
  const gap =
    missing === 0
      ? ''
      : `\n\n${missing} ${missing === 1 ? 'request is' : 'requests are'} not here: they came faster than they could be written down, or brought no good token. What they changed is in the audit trail.`;
  return `${table}${gap}${next === null ? '' : `\n\nMore: --after ${next}`}`;
}

function statusCell({ status, code }: ListedScimRequest, colors: Colors): Cell {
  const text = code === null ? String(status) : `${status} ${code}`;
  return { text, paint: status >= 400 ? colors.red : colors.green };
}

/** An id is what a table has the least room for; with `--json` it is whole. */
function shortPath({ path, targetId }: ListedScimRequest): string {
  return targetId === null ? path : path.replace(targetId, `${targetId.slice(0, 8)}…`);
}

/** For programs. Keys are snake_case, like the configuration. */
export function scimRequestToJson(request: ListedScimRequest): Record<string, unknown> {
  const { targetKind, targetId } = request;
  return {
    id: request.id,
    at: toIso(request.at),
    connection: request.connectionId,
    token: request.token,
    method: request.method,
    path: request.path,
    meaning: request.meaning,
    target: targetKind === null ? null : { type: targetKind, id: targetId },
    status: request.status,
    scim_type: request.scimType,
    code: request.code,
    duration_ms: request.durationMs,
    reference: request.reference,
    dropped_before: request.dropped,
  };
}
