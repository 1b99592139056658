import { testMutants } from '../../fixtures/saml/describe-mutations.ts';

await testMutants('both', 'sealed');
await testMutants('assertion', 'inside the seal');
