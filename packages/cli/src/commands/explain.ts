import { AppError } from '@rollcall/shared/core/errors';
import type { User } from '@rollcall/shared/core/user';
import { currentTime } from '@rollcall/shared/db/timestamp';
import type { Command } from 'commander';
import { withFoundation } from '../compose/with-foundation.ts';
import { EXIT, type ExitCode } from '../exit-code.ts';
import type { Invocation, Run } from '../invocation.ts';
import { type Explanation, explainUser } from '../queries/explanation.ts';
import { findNamedUser, keyOf } from '../queries/user-named.ts';
import { renderExplanation } from '../render/explanation.ts';
import { explanationToJson } from '../render/explanation-json.ts';
import { renderTable } from '../render/table.ts';

const HELP = `
USER is the id, connection:subject, the subject, the directory id or the e-mail.
An e-mail may belong to several people: then they are listed, and nobody is explained.

Examples:
  $ rollcall explain ada@acme.example
  $ rollcall explain acme:00u1a2b3 --json`;

/** `rollcall explain USER` */
export function addExplain(parent: Command, run: Run): void {
  parent
    .command('explain')
    .summary('say why a user has, or lacks, access and roles')
    .description(
      'Says why a user has, or lacks, access and roles: the rule, the group, and when it was seen.',
    )
    .argument('<user>', 'whom to explain')
    .addHelpText('after', HELP)
    .action((text: string, _options: object, command: Command) =>
      run(command, (invocation) => explain(text, invocation)),
    );
}

type Found =
  | { readonly kind: 'one'; readonly explanation: Explanation }
  | { readonly kind: 'several'; readonly users: readonly User[] };

async function explain(text: string, invocation: Invocation): Promise<ExitCode> {
  const now = currentTime();
  const found = await withFoundation(
    invocation,
    { engine: false },
    async ({ config, foundation: { db } }): Promise<Found> => {
      const named = await findNamedUser(db, text);
      if (named.kind === 'several') return named;
      return { kind: 'one', explanation: await explainUser(db, config, named.user, now) };
    },
  );
  if (found.kind === 'several') throw ambiguous(found.users, invocation);
  const { terminal, json } = invocation;
  if (json) terminal.printJson(explanationToJson(found.explanation));
  else terminal.print(renderExplanation(found.explanation, now, terminal.colors));
  return EXIT.ok;
}

/** `user.ambiguous`; for people the candidates are shown first. */
function ambiguous(users: readonly User[], { terminal, json }: Invocation): AppError {
  const candidates = users.map((user) => ({
    user: keyOf(user),
    id: user.id,
    email: user.profile.email,
    state: user.state,
  }));
  if (!json) {
    const rows = candidates.map(({ user, email, state, id }) => [user, email ?? '-', state, id]);
    terminal.complain(renderTable(rows));
  }
  return new AppError(
    'user.ambiguous',
    `${users.length} users have this id, subject, directory id or e-mail: name one by connection:subject.`,
    { detail: { candidates } },
  );
}
