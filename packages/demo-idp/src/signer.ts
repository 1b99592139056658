import { IDP_SESSION_LIFE } from './assertion.ts';
import type { Directory, PersonView } from './directory.ts';
import { DemoIdpError } from './errors.ts';
import { buildResponse, type ResponseInput, type SigningOptions, signXml } from './response.ts';
import { NAME_ID_EMAIL } from './saml-names.ts';
import type { ServiceProviders } from './service-providers.ts';

/** How long ago an old session was opened, in milliseconds. */
export const OLD_SESSION_AGE = 2 * 60 * 60_000;

/** For whom, and in answer to what, a Response is made. */
export interface AnswerOptions {
  /** Entity id of a registered application. */
  readonly audience: string;
  /** ID of the AuthnRequest; left out, the Response is unsolicited. */
  readonly inResponseTo?: string;
  /** Vouches out of a session that was opened hours ago. */
  readonly oldSession?: boolean;
  /** Anything that should differ from what a correct IdP says. */
  readonly overrides?: Partial<ResponseInput>;
  /** Anything that should differ from how this IdP signs. */
  readonly signing?: Partial<SigningOptions>;
}

/** Makes and signs Responses with the key of the IdP. */
export class Signer {
  /** PKCS #8, PEM. */
  readonly key: string;
  /** PEM. */
  readonly certificate: string;
  readonly #sign: SigningOptions['sign'];
  readonly #entityId: string;
  readonly #directory: Directory;
  readonly #providers: ServiceProviders;
  readonly #now: () => number;

  constructor(options: {
    readonly key: string;
    readonly certificate: string;
    readonly sign: SigningOptions['sign'];
    readonly entityId: string;
    readonly directory: Directory;
    readonly providers: ServiceProviders;
    readonly now: () => number;
  }) {
    this.key = options.key;
    this.certificate = options.certificate;
    this.#sign = options.sign;
    this.#entityId = options.entityId;
    this.#directory = options.directory;
    this.#providers = options.providers;
    this.#now = options.now;
  }

  /** Signs any XML as this IdP does, with the changes asked for. */
  sign(xml: string, options: Partial<SigningOptions> = {}): string {
    const usual = { sign: this.#sign, key: this.key, certificate: this.certificate };
    return signXml(xml, { ...usual, ...options });
  }

  /** What a correct Response about a person says, ready to be changed and built. */
  describe(personId: string, options: AnswerOptions): ResponseInput {
    const provider = this.#providers.find(options.audience);
    if (provider === undefined) {
      throw new DemoIdpError(
        'demo_idp.service_provider_unknown',
        `No application is registered as ${JSON.stringify(options.audience)}.`,
      );
    }
    const now = this.#now();
    const person = this.#directory.person(personId);
    const openedAt = options.oldSession === true ? now - OLD_SESSION_AGE : now;
    return {
      now,
      issuer: this.#entityId,
      acsUrl: provider.acsUrl,
      audience: provider.entityId,
      inResponseTo: options.inResponseTo ?? null,
      nameId: options.overrides?.nameIdFormat === NAME_ID_EMAIL ? person.email : person.id,
      attributes: describeAttributes(person),
      authnInstant: openedAt,
      sessionNotOnOrAfter: openedAt + IDP_SESSION_LIFE,
      ...options.overrides,
    };
  }

  /** A signed Response that vouches for a person, whatever their state. */
  answer(personId: string, options: AnswerOptions): string {
    return this.sign(buildResponse(this.describe(personId, options)), options.signing);
  }
}

/** The assignment group is between the directory and the IdP: it is not sent. */
function describeAttributes(person: PersonView): NonNullable<ResponseInput['attributes']> {
  return {
    uid: person.id,
    email: person.email,
    firstName: person.givenName,
    lastName: person.familyName,
    groups: person.groups,
  };
}
