import { testLogoutMutants } from '../fixtures/saml/describe-logout-mutations.ts';

await testLogoutMutants(3_000, 10_000);
