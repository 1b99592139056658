import { testLogoutMutants } from '../../fixtures/saml/describe-logout-mutations.ts';

await testLogoutMutants(600, 2_000);
