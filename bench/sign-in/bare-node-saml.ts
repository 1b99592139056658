import { SAML, ValidateInResponseTo } from '@node-saml/node-saml';
import type { Operation } from '../frame/entry.ts';
import type { Posted } from './posted.ts';
import type { SignInWorld } from './world.ts';

/** node-saml alone: it verifies and knows its requests by a cache in memory, and stores nothing. */
export interface BareNodeSaml {
  /** Throws unless it names the subject. */
  accept(posted: Posted): Promise<Operation>;
  /** Makes it expect the response; the answer says whether it accepts it. */
  expect(posted: Posted): Promise<() => Promise<'accepted' | 'refused'>>;
}

export function bareNodeSaml({ idp, saml }: SignInWorld): BareNodeSaml {
  const bare = new SAML({
    callbackUrl: saml.sp.acsUrl,
    issuer: saml.sp.entityId,
    audience: saml.sp.entityId,
    idpIssuer: idp.entityId,
    idpCert: idp.certificate,
    wantAssertionsSigned: true,
    wantAuthnResponseSigned: false,
    validateInResponseTo: ValidateInResponseTo.always,
    acceptedClockSkewMs: saml.clockSkewMs,
  });
  const remember = ({ requestId }: Posted) =>
    bare.cacheProvider.saveAsync(requestId, new Date().toISOString());
  return {
    accept: async (posted) => {
      await remember(posted);
      return async () => {
        const { profile } = await bare.validatePostResponseAsync({ ...posted.form });
        if (profile?.nameID === posted.subject) return;
        throw new Error(`expected ${posted.subject}, received ${profile?.nameID}`);
      };
    },
    expect: async (posted) => {
      await remember(posted);
      return () =>
        bare.validatePostResponseAsync({ ...posted.form }).then(
          () => 'accepted',
          () => 'refused',
        );
    },
  };
}
