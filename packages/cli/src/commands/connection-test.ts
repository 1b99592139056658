import { setTimeout as pause } from 'node:timers/promises';
import { AppError } from '@rollcall/shared/core/errors';
import type { ConnectionId } from '@rollcall/shared/core/ids';
import { after } from '@rollcall/shared/core/time';
import type { Database } from '@rollcall/shared/db/database';
import { forgetTest, makeTestTicket, readTest, TEST_MS } from '@rollcall/shared/db/sign-in-tests';
import { currentTime } from '@rollcall/shared/db/timestamp';
import type { SignInTestReport } from '@rollcall/shared/explanation/sign-in-test';
import { withFoundation } from '../compose/with-foundation.ts';
import { readAdvice } from '../doctor/advice.ts';
import { EXIT, type ExitCode } from '../exit-code.ts';
import type { Invocation } from '../invocation.ts';
import { operatorName } from '../operator.ts';
import { renderSignInTest } from '../render/sign-in-test.ts';

export async function test(id: ConnectionId, invocation: Invocation): Promise<ExitCode> {
  const { terminal, json } = invocation;
  const { report, preset } = await withFoundation(
    invocation,
    { engine: false },
    async ({ config, foundation: { db } }) => {
      const connection = config.connections.find((one) => one.id === id);
      if (connection === undefined) {
        const expected = config.connections.map((one) => one.id);
        throw new AppError(
          'connection.unknown',
          `The configuration has no connection ${id}: expected one of ${expected.join(', ')}.`,
          { detail: { expected, received: id } },
        );
      }
      const ticket = await makeTestTicket(db, id, operatorName(), currentTime());
      try {
        terminal.complain('Open this address within ten minutes; it works once:');
        terminal.complain(`${config.publicUrl}/saml/${id}/login?test=${ticket}`);
        return { report: await waitForReport(db, ticket), preset: connection.preset };
      } finally {
        await forgetTest(db, ticket);
      }
    },
  );
  const advice = report.failure && (await readAdvice()).of(report.failure.code, preset);
  if (json) terminal.printJson({ ...report, advice });
  else terminal.print(renderSignInTest(report, advice, terminal.colors));
  return report.ok ? EXIT.ok : EXIT.error;
}

/** Asks until the browser is done. Throws `test.expired`. */
async function waitForReport(db: Database, ticket: string): Promise<SignInTestReport> {
  const end = after(currentTime(), TEST_MS);
  while (currentTime() < end) {
    const test = await readTest(db, ticket);
    if (test === null) break;
    if (test.report !== null) return test.report;
    await pause(500);
  }
  throw new AppError('test.expired', 'Nobody finished the test sign-in within ten minutes.');
}
