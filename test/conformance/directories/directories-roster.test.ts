import { rosterDirectory } from '@rollcall/sweeper/directories/roster/roster';
import { describeDirectory } from '../directory-contract.ts';
import {
  checksumOf,
  openRosterFile,
  openRosterServer,
  PEOPLE,
  rosterOptions,
  writeRoster,
} from './roster-files.ts';

for (const format of ['csv', 'json', 'ndjson'] as const) {
  describeDirectory(`a roster of ${format} in a file`, () => openRosterFile(format));
}

describeDirectory('a roster at an address', async () => {
  const server = await openRosterServer();
  const text = writeRoster('csv');
  server.files.set('/people.csv', { body: text });
  server.files.set('/people.csv.sha256', { body: checksumOf(text) });
  const place = {
    kind: 'url',
    roster: `${server.url}/people.csv`,
    checksum: `${server.url}/people.csv.sha256`,
  } as const;
  return {
    directory: rosterDirectory(rosterOptions(place)),
    expected: () => PEOPLE,
    close: () => server.close(),
  };
});
