import { liftTombstone } from '@rollcall/shared/access/tombstone';
import { AppError } from '@rollcall/shared/core/errors';
import type { ConnectionId, Subject } from '@rollcall/shared/core/ids';
import { type Database, inTransaction } from '@rollcall/shared/db/database';
import { currentTime } from '@rollcall/shared/db/timestamp';
import { applyPurge } from '@rollcall/shared/purge/apply-purge';
import {
  countPurgeLines,
  findPurgePlan,
  makePurgePlan,
  type PurgePlan,
  purgeLines,
} from '@rollcall/shared/purge/purge-plan';
import { withFoundation } from '../compose/with-foundation.ts';
import { EXIT, type ExitCode } from '../exit-code.ts';
import type { Invocation } from '../invocation.ts';
import { operatorName } from '../operator.ts';
import type { PageOptions } from '../program/page-options.ts';
import { requireOneUser } from '../queries/one-user.ts';
import { purgeToJson, renderPurge, type ShownPurge } from '../render/purge.ts';

export interface PlanPurgeOptions extends PageOptions {
  readonly connection?: ConnectionId;
  readonly user?: string;
  readonly by?: string;
}

export interface ApplyPurgeOptions {
  readonly reason: string;
  readonly by?: string;
}

export type LiftOptions = ApplyPurgeOptions;

/** `rollcall users purge plan`: exit 2 where somebody would be purged. */
export async function planPurge(
  options: PlanPurgeOptions,
  invocation: Invocation,
): Promise<ExitCode> {
  const { terminal, json } = invocation;
  const shown = await withFoundation(
    invocation,
    { engine: false },
    async ({ foundation: { db } }) => {
      const { connection, user } = options;
      const one = user === undefined ? null : await requireOneUser(db, user, invocation);
      const scope = {
        ...(connection === undefined ? {} : { connectionId: connection }),
        ...(one === null ? {} : { userId: one.id }),
      };
      const plan = await makePurgePlan(db, scope, options.by ?? operatorName(), currentTime());
      return plan === null ? null : readShown(db, plan, options);
    },
  );
  if (shown === null) {
    if (json) terminal.printJson({ plan: null });
    else terminal.print('Nobody is purge-eligible.');
    return EXIT.ok;
  }
  report(shown, invocation);
  return EXIT.changesPending;
}

/** `rollcall users purge show PLAN` */
export async function showPurge(
  name: string,
  page: PageOptions,
  invocation: Invocation,
): Promise<ExitCode> {
  const shown = await withFoundation(
    invocation,
    { engine: false },
    async ({ foundation: { db } }) => readShown(db, await findPurgePlan(db, name), page),
  );
  report(shown, invocation);
  return EXIT.ok;
}

/** `rollcall users purge apply PLAN` */
export async function applyNamedPurge(
  name: string,
  { reason, by }: ApplyPurgeOptions,
  invocation: Invocation,
): Promise<ExitCode> {
  const { digest, counts } = await withFoundation(
    invocation,
    { engine: false },
    async ({ foundation: { db } }) => {
      const plan = await findPurgePlan(db, name);
      const order = { plan, by: by ?? operatorName(), reason };
      return { digest: plan.digest, counts: await applyPurge(db, order, currentTime) };
    },
  );
  const { terminal, json } = invocation;
  if (json) terminal.printJson({ digest, ...counts });
  else {
    const left =
      counts.skipped === 0 ? '' : `, ${counts.skipped} skipped: \`users purge show\` says why`;
    terminal.print(`Purge plan ${digest.slice(0, 12)}: ${counts.purged} purged${left}.`);
  }
  return EXIT.ok;
}

/** `rollcall users purge lift CONNECTION:SUBJECT` */
export async function lift(
  named: { readonly connectionId: ConnectionId; readonly subject: Subject },
  { reason, by }: LiftOptions,
  invocation: Invocation,
): Promise<ExitCode> {
  const actor = { kind: 'operator' as const, name: by ?? operatorName() };
  const lifted = await withFoundation(invocation, { engine: false }, ({ foundation: { db } }) =>
    inTransaction(db, (tx) =>
      liftTombstone(tx, { ...named, directoryId: null }, reason, actor, currentTime()),
    ),
  );
  if (!lifted) {
    throw new AppError('purge.nobody', 'Nobody of this connection and subject has been purged.');
  }
  const { terminal, json } = invocation;
  const name = `${named.connectionId}:${named.subject}`;
  if (json) terminal.printJson({ user: name, lifted });
  else terminal.print(`${name} may come in as somebody new.`);
  return EXIT.ok;
}

async function readShown(db: Database, plan: PurgePlan, page: PageOptions): Promise<ShownPurge> {
  const found = await purgeLines(db, plan.id, { limit: page.limit + 1, after: page.after });
  const lines = found.slice(0, page.limit);
  const next = found.length > page.limit ? (lines.at(-1)?.seq ?? null) : null;
  return { plan, lines, next, counts: await countPurgeLines(db, plan.id) };
}

function report(shown: ShownPurge, { terminal, json }: Invocation): void {
  if (json) terminal.printJson(purgeToJson(shown));
  else terminal.print(renderPurge(shown, currentTime(), terminal.colors));
}
