import { openOktaSimulator } from '../../simulators/okta.ts';
import { describeDirectory, type ScriptedHarness } from '../directory-contract.ts';
import { describeDirectoryFaults } from './directory-faults.ts';

/** One row for each vendor that cannot run here: all are simulators. */
const VENDORS: readonly (readonly [string, () => Promise<ScriptedHarness>])[] = [
  ['Okta (simulator)', () => openOktaSimulator()],
];

for (const [name, open] of VENDORS) {
  describeDirectory(name, open);
  describeDirectoryFaults(name, open);
}

describeDirectory('Okta (simulator) with groups and DPoP', () =>
  openOktaSimulator({ groups: 'all', dpop: true }),
);
