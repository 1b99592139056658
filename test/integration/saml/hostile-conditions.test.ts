import { describeHostile } from '../../fixtures/saml/hostile/describe-hostile.ts';

await describeHostile(['conditions']);
