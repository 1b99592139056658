import { describeDirectory } from '../directory-contract.ts';
import { describeDirectoryFaults } from './directory-faults.ts';
import { openScimServer, type ScimServerOptions } from './scim-server.ts';

const SERVERS: readonly (readonly [string, ScimServerOptions])[] = [
  ['SCIM by index', { paging: 'index', groupsIn: 'users', assignmentGroup: true }],
  ['SCIM by cursor', { paging: 'cursor', groupsIn: 'users', assignmentGroup: true }],
];

for (const [name, options] of SERVERS) {
  describeDirectory(name, () => openScimServer(options));
  describeDirectoryFaults(name, () => openScimServer(options));
}

describeDirectory('SCIM with groups only under /Groups', () =>
  openScimServer({ paging: 'index', groupsIn: 'groups', assignmentGroup: true }),
);
describeDirectory('SCIM without groups', () =>
  openScimServer({ paging: 'index', groupsIn: 'nowhere', assignmentGroup: false }),
);
