import { testMutants } from '../../fixtures/saml/describe-mutations.ts';

await testMutants('response', 'plain');
