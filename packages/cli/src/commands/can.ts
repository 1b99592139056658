import type { Config } from '@rollcall/shared/config/types';
import { currentTime } from '@rollcall/shared/db/timestamp';
import { explainUser } from '@rollcall/shared/explanation/explain-user';
import { withFoundation } from '../compose/with-foundation.ts';
import { EXIT, type ExitCode } from '../exit-code.ts';
import type { Invocation } from '../invocation.ts';
import { requireOneUser } from '../queries/one-user.ts';
import { keyOf } from '../queries/user-named.ts';
import { judgeRole } from '../queries/verdict.ts';
import { renderVerdict, verdictToJson } from '../render/verdict.ts';

export async function can(text: string, role: string, invocation: Invocation): Promise<ExitCode> {
  const now = currentTime();
  const { user, verdict } = await withFoundation(
    invocation,
    { engine: false },
    async ({ config, foundation: { db } }) => {
      const named = await requireOneUser(db, text, invocation);
      const explanation = await explainUser(db, config, named, now);
      return { user: named, verdict: judgeRole(explanation, role, rolesOfRules(config)) };
    },
  );
  const { terminal, json } = invocation;
  if (json) terminal.printJson(verdictToJson(keyOf(user), role, verdict));
  else terminal.print(renderVerdict(role, verdict, now));
  return verdict.can ? EXIT.ok : EXIT.error;
}

function rolesOfRules({ roles, defaultRole }: Config): ReadonlySet<string> {
  return new Set([...roles.map((rule) => rule.role), ...(defaultRole ? [defaultRole] : [])]);
}
