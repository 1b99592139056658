import { mapReplayMemory } from '../../fixtures/saml/map-replay-memory.ts';
import { describeReplayMemory } from '../../fixtures/saml/replay-memory-contract.ts';

describeReplayMemory('the tests themselves', () => mapReplayMemory());
