import { describeDirectory } from '../directory-contract.ts';
import { describeDirectoryFaults } from './directory-faults.ts';
import { openKeycloakSimulator } from './keycloak-simulator.ts';

describeDirectory('Keycloak (simulator)', () => openKeycloakSimulator());
describeDirectoryFaults('Keycloak (simulator)', () => openKeycloakSimulator());
