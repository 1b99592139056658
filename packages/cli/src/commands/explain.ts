import { currentTime } from '@rollcall/shared/db/timestamp';
import { explainUser } from '@rollcall/shared/explanation/explain-user';
import { explanationToJson } from '@rollcall/shared/explanation/explanation-json';
import { withFoundation } from '../compose/with-foundation.ts';
import { EXIT, type ExitCode } from '../exit-code.ts';
import type { Invocation } from '../invocation.ts';
import { requireOneUser } from '../queries/one-user.ts';
import { renderExplanation } from '../render/explanation.ts';

export async function explain(text: string, invocation: Invocation): Promise<ExitCode> {
  const now = currentTime();
  const explanation = await withFoundation(
    invocation,
    { engine: false },
    async ({ config, foundation: { db } }) =>
      explainUser(db, config, await requireOneUser(db, text, invocation), now),
  );
  const { terminal, json } = invocation;
  if (json) terminal.printJson(explanationToJson(explanation));
  else terminal.print(renderExplanation(explanation, now, terminal.colors));
  return EXIT.ok;
}
