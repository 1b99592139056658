import { openEntraSimulator } from '../../simulators/entra.ts';
import { openOktaSimulator } from '../../simulators/okta.ts';
import { describeDirectory, type ScriptedHarness } from '../directory-contract.ts';
import { describeDirectoryFaults } from './directory-faults.ts';

/** One row for each vendor that cannot run here: all are simulators. */
const VENDORS: readonly (readonly [string, () => Promise<ScriptedHarness>])[] = [
  ['Microsoft Entra (simulator)', () => openEntraSimulator()],
  ['Okta (simulator)', () => openOktaSimulator()],
];

for (const [name, open] of VENDORS) {
  describeDirectory(name, open);
  describeDirectoryFaults(name, open);
}

describeDirectory('Okta (simulator) with groups and DPoP', () =>
  openOktaSimulator({ groups: 'all', dpop: true }),
);
describeDirectory('Microsoft Entra (simulator) with groups', () =>
  openEntraSimulator({ groups: 'assigned', nested: new Set(['id-05']) }),
);
describeDirectory('Microsoft Entra (simulator) without assignments', () =>
  openEntraSimulator({ assignmentRequired: false }),
);
