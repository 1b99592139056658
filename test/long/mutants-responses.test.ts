import { testMutants } from '../fixtures/saml/describe-mutations.ts';

await testMutants('assertion', 'plain', 'all');
await testMutants('both', 'plain', 'all');
await testMutants('response', 'plain', 'all');
await testMutants('both', 'sealed', 'all');
await testMutants('assertion', 'inside the seal', 'all');
