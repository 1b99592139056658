// A worker of its own that kills itself with SIGKILL at a statement that it is told of:
// DATABASE_URL WORK NUMBER before|sent. `before`: Postgres never hears of the statement.
// `sent`: it does, and nobody hears its answer. Prints the statement; without a kill, how
// many statements there were.

import { writeSync } from 'node:fs';
import { openPool } from '@rollcall/shared/db/database';
import pg from 'pg';
import { doWork, type Work } from './scene.ts';

const [url = '', work = 'sweep', number = '0', when = 'before'] = process.argv.slice(2);
const killAt = Number(number);
let count = 0;

type Query = (...args: unknown[]) => unknown;
const client = pg.Client.prototype as unknown as { query: Query };
const query = client.query;
client.query = function (this: unknown, ...args: unknown[]): unknown {
  count += 1;
  const dies = count === killAt;
  if (dies) writeSync(1, sayStatement(args[0]));
  if (dies && when === 'before') die();
  const answer = query.apply(this, args);
  // Written to the socket in this turn; the answer comes in a later one.
  if (dies) setImmediate(die);
  return answer;
};

function sayStatement(statement: unknown): string {
  const text = typeof statement === 'string' ? statement : (statement as { text: string }).text;
  return text.replace(/\s+/g, ' ').slice(0, 100);
}

function die(): never {
  process.kill(process.pid, 'SIGKILL');
  for (;;);
}

const pool = openPool(url);
await doWork(work as Work, pool);
await pool.end();
writeSync(1, String(count));
