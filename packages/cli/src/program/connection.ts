import type { Command } from 'commander';
import type { Run } from '../invocation.ts';
import { addConnectionCerts } from './connection-certs.ts';
import { addConnectionList } from './connection-list.ts';
import { addConnectionShow } from './connection-show.ts';
import { addConnectionTest } from './connection-test.ts';

/** `rollcall connection …` */
export function addConnection(parent: Command, run: Run): void {
  const connection = parent
    .command('connection')
    .summary('list, show and test connections')
    .description('The identity providers that people sign in by, as the service knows them.');
  addConnectionList(connection, run);
  addConnectionShow(connection, run);
  addConnectionCerts(connection, run);
  addConnectionTest(connection, run);
}
