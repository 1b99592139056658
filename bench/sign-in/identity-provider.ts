import { renderMetadata } from '@rollcall/demo-idp/metadata';
import { buildResponse, type ResponseInput, signXml } from '@rollcall/demo-idp/response';
import { createSigningKey, type SigningKey } from '@rollcall/demo-idp/signing-key';

/** Where a response goes and which request it answers. */
export interface Addressee {
  readonly acsUrl: string;
  readonly audience: string;
  readonly requestId: string;
}

/** Signs as an identity provider does: the assertion, RSA-2048, SHA-256, certificate enclosed. */
export interface SigningIdp {
  readonly entityId: string;
  readonly certificate: string;
  readonly metadata: string;
  /** A response for `subject`, a member of `groups` groups. */
  respond(addressee: Addressee, subject: string, groups: number): string;
}

const ENTITY_ID = 'https://idp.example.com/metadata';
const ADDRESSES = {
  entityId: ENTITY_ID,
  ssoUrl: 'https://idp.example.com/sso',
  sloUrl: 'https://idp.example.com/slo',
};

/** Makes one with a key of its own. */
export async function createSigningIdp(): Promise<SigningIdp> {
  const key = await createSigningKey(Date.now());
  return {
    entityId: ENTITY_ID,
    certificate: key.certificate,
    metadata: renderMetadata(ADDRESSES, key.certificate),
    respond: (addressee, subject, groups) => respond(key, addressee, subject, groups),
  };
}

/** Names as directories give them: 500 of them make a response of some 65 KB. */
export function groupName(index: number): string {
  const number = String(index).padStart(4, '0');
  return `CN=BI-Department-${number}-Readers,OU=Business Intelligence,OU=Groups,DC=corp,DC=example,DC=com`;
}

function respond(
  key: SigningKey,
  { acsUrl, audience, requestId }: Addressee,
  subject: string,
  groups: number,
): string {
  const input: ResponseInput = {
    now: Date.now(),
    issuer: ENTITY_ID,
    acsUrl,
    audience,
    nameId: subject,
    inResponseTo: requestId,
    attributes: {
      uid: subject,
      email: `${subject}@example.com`,
      firstName: 'Ada',
      lastName: 'Lovelace',
      groups: Array.from({ length: groups }, (_, index) => groupName(index)),
    },
  };
  const signing = { sign: 'assertion', key: key.key, certificate: key.certificate } as const;
  return signXml(buildResponse(input), signing);
}
