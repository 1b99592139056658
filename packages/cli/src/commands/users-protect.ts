import { applyToPerson } from '@rollcall/shared/access/person-state';
import { inTransaction } from '@rollcall/shared/db/database';
import { currentTime } from '@rollcall/shared/db/timestamp';
import { withFoundation } from '../compose/with-foundation.ts';
import { EXIT, type ExitCode } from '../exit-code.ts';
import type { Invocation } from '../invocation.ts';
import { operatorName } from '../operator.ts';
import { requireOneUser } from '../queries/one-user.ts';
import { requireDone } from '../queries/refused-change.ts';
import { keyOf } from '../queries/user-named.ts';
import { printable } from '../render/printable.ts';

export interface ProtectOptions {
  readonly off?: boolean;
  readonly reason?: string;
  readonly by?: string;
}

export async function protect(
  text: string,
  options: ProtectOptions,
  invocation: Invocation,
): Promise<ExitCode> {
  const { off = false, reason } = options;
  const records = await withFoundation(
    invocation,
    { engine: false },
    async ({ foundation: { db } }) => {
      const user = await requireOneUser(db, text, invocation);
      const actor = { kind: 'operator' as const, name: options.by ?? operatorName() };
      const kind = off ? ('unprotect' as const) : ('protect' as const);
      const evidence = reason === undefined ? {} : { because: reason };
      const outcomes = await inTransaction(db, (tx) =>
        applyToPerson(tx, { kind, userId: user.id, evidence }, actor, currentTime()),
      );
      return outcomes.map(({ record, outcome }) => {
        const { user: after } = requireDone(outcome, record);
        return { record: after ?? record, changed: outcome.kind === 'applied' };
      });
    },
  );
  const { terminal, json } = invocation;
  if (json) {
    terminal.printJson({
      records: records.map(({ record, changed }) => ({
        id: record.id,
        user: keyOf(record),
        changed,
        protected: record.protected,
        protected_by_admin: record.protectedByAdmin,
      })),
    });
  } else terminal.print(records.map(({ record }) => printable(say(record))).join('\n'));
  return EXIT.ok;
}

function say(
  record: Parameters<typeof keyOf>[0] & { protected: boolean; protectedByAdmin: boolean },
): string {
  const name = keyOf(record);
  if (record.protectedByAdmin) return `${name} is protected.`;
  if (record.protected) return `${name} is protected by the configuration alone.`;
  return `${name} is not protected.`;
}
