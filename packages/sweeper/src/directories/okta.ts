import type { DirectoryMember } from '@rollcall/shared/core/evidence';
import type { DirectoryId } from '@rollcall/shared/core/ids';
import { type Fields, readFields, readId, readText } from './answer-fields.ts';
import { byPrivateKey } from './client-authentication.ts';
import { ClientCredentials } from './client-credentials.ts';
import { DpopProver } from './dpop.ts';
import { HttpClient } from './http-client.ts';
import type { HttpTime } from './http-time.ts';
import { hashFacts } from './listing-fingerprint.ts';
import { ABSENT, answerOrUnknown, segmentOf, unknownBecause } from './look-up-answer.ts';
import type { Membership } from './membership.ts';
import { readGroupsOfUser, readOrgMembership } from './okta/groups.ts';
import { oktaChain } from './okta/pages.ts';
import { readOktaRefusal, saysNotFound } from './okta/refusal.ts';
import { readStanding } from './okta/status.ts';
import type { Pace } from './pace.ts';
import { type ChainRow, readChain } from './page-chain.ts';
import type { Directory, DirectoryAnswer, DirectoryPage } from './port.ts';

/** Where and as whom an organisation of Okta is asked. */
export interface OktaDirectoryOptions {
  /** Such as `https://acme.okta.com`, without a slash at the end. */
  readonly url: string;
  /** The SAML app whose assignments are listed. */
  readonly appId: string;
  /** Of the service app (API Services) that asks. */
  readonly clientId: string;
  /** PKCS#8 in PEM. */
  readonly privateKey: () => Promise<string>;
  /** `kid` of the public key in Okta; null: Okta tries them all. */
  readonly keyId: string | null;
  readonly algorithm: 'RS256' | 'PS256' | 'ES256';
  /** Whether tokens are bound to a key of this process (RFC 9449). */
  readonly dpop: boolean;
  /** `all`: reads every group and its members; `none`: groups are not told. */
  readonly groups: 'none' | 'all';
  /** For one request, in milliseconds. */
  readonly timeoutMs: number;
  /** Rows to ask for on a page, 2 to 500. */
  readonly pageSize: number;
  readonly pace?: Pace | null;
  /** The clock of the process by default. */
  readonly time?: HttpTime;
}

/** Okta's windows last a minute: whoever waits for one to end gets into the next. */
const PATIENCE_MS = 75_000;
const LOOK_UP = 'the answer to a look-up';

/**
 * The people who are assigned to one app of an Okta organisation, directly or by a group,
 * through its management API. `SUSPENDED` and `DEPROVISIONED` are `disabled`; every other
 * status passes by itself, such as `LOCKED_OUT`. Whoever is not assigned is not listed: a
 * look-up tells whether they are `unassigned` or `absent`.
 */
export function oktaDirectory(options: OktaDirectoryOptions): Directory {
  const scope = `okta.apps.read okta.users.read${options.groups === 'all' ? ' okta.groups.read' : ''}`;
  const { url: baseUrl, clientId, privateKey, keyId, algorithm, timeoutMs, pace = null } = options;
  const time = options.time === undefined ? {} : { time: options.time };
  const key = { privateKey, keyId, algorithm };
  const credentials = new ClientCredentials({
    baseUrl,
    tokenPath: '/oauth2/v1/token',
    clientId,
    authenticate: byPrivateKey(clientId, key),
    fields: { scope },
    dpop: options.dpop ? new DpopProver() : null,
    timeoutMs,
    pace,
    ...time,
  });
  const http = new HttpClient({
    baseUrl,
    timeoutMs,
    patienceMs: PATIENCE_MS,
    credentials,
    pace,
    readRefusal: readOktaRefusal,
    ...time,
  });
  return new OktaDirectory(options, credentials, http);
}

class OktaDirectory implements Directory {
  readonly type = 'okta';
  readonly capabilities;
  readonly #options: OktaDirectoryOptions;
  readonly #credentials: ClientCredentials;
  readonly #http: HttpClient;
  readonly #appPath: string;

  constructor(options: OktaDirectoryOptions, credentials: ClientCredentials, http: HttpClient) {
    this.#options = options;
    this.#credentials = credentials;
    this.#http = http;
    this.#appPath = `/api/v1/apps/${encodeURIComponent(options.appId)}`;
    this.capabilities = { lookUp: true, groups: options.groups === 'all' };
  }

  async fingerprint(signal: AbortSignal): Promise<string> {
    // A fresh token, because the old one still carries scopes that were taken away since.
    this.#credentials.discard();
    const { url, appId, clientId, groups, pageSize } = this.#options;
    const app = await this.#readApp(signal);
    const scopes = [...(await this.#credentials.scopes(signal))].sort();
    return hashFacts({ type: this.type, url, appId, clientId, groups, pageSize, scopes, ...app });
  }

  async *list(signal: AbortSignal): AsyncGenerator<DirectoryPage> {
    const membership =
      this.#options.groups === 'all' ? await readOrgMembership(this.#http, signal) : null;
    const { pageSize } = this.#options;
    const chain = oktaChain(this.#http, `${this.#appPath}/users`, pageSize, { expand: 'user' });
    for await (const { rows, next } of readChain(chain, signal)) {
      const members = rows.map((row) => toMember(row, membership));
      yield { members, next, announcedTotal: null };
    }
  }

  lookUp(id: DirectoryId, signal: AbortSignal): Promise<DirectoryAnswer> {
    return answerOrUnknown(signal, () => this.#ask(id, signal));
  }

  async #ask(id: DirectoryId, signal: AbortSignal): Promise<DirectoryAnswer> {
    const segment = segmentOf(id);
    if (segment === null) return unknownBecause('The id is a path step and cannot be asked for.');
    const appUser = await this.#find(`${this.#appPath}/users/${segment}?expand=user`, signal);
    if (appUser === null) return this.#askUnassigned(id, segment, signal);
    const received = readId(appUser.id, LOOK_UP);
    if (received !== id) return otherPerson(id, received);
    const { standing, label } = readAppUser(appUser, LOOK_UP);
    return { standing, groups: await this.#groupsOf(segment, signal), label, because: null };
  }

  /** Whoever is not in the app: Okta knows them, or it does not. */
  async #askUnassigned(
    id: DirectoryId,
    segment: string,
    signal: AbortSignal,
  ): Promise<DirectoryAnswer> {
    const user = await this.#find(`/api/v1/users/${segment}`, signal);
    // The same 404 comes where the app itself is gone: nobody would be assigned then.
    await this.#readApp(signal);
    if (user === null) return ABSENT;
    const received = readId(user.id, LOOK_UP);
    // Okta finds people by login as well.
    if (received !== id) return otherPerson(id, received);
    const { standing, label } = readStanding(user, LOOK_UP);
    return {
      standing: standing === 'present' ? 'unassigned' : standing,
      groups: await this.#groupsOf(segment, signal),
      label,
      because: null,
    };
  }

  async #groupsOf(segment: string, signal: AbortSignal): Promise<readonly string[] | null> {
    if (this.#options.groups !== 'all') return null;
    return readGroupsOfUser(this.#http, segment, signal);
  }

  /** What was found; null where Okta says in its own words that there is no such thing. */
  async #find(target: string, signal: AbortSignal): Promise<Fields | null> {
    const answer = await this.#http.send({ target, expects: [404] }, signal);
    return saysNotFound(answer) ? null : readFields(answer.body, LOOK_UP);
  }

  async #readApp(signal: AbortSignal): Promise<{ readonly app: string; readonly status: string }> {
    const { body } = await this.#http.send({ target: this.#appPath }, signal);
    const fields = readFields(body, 'the app');
    return { app: readId(fields.id, 'the app'), status: readText(fields.status, 'its status') };
  }
}

function toMember({ id, fields, where }: ChainRow, membership: Membership | null): DirectoryMember {
  return { id, ...readAppUser(fields, where), groups: membership?.groupsOf(id) ?? null };
}

/** The status of an app user is another thing: that of the person is embedded in it. */
function readAppUser(fields: Fields, where: string): Pick<DirectoryMember, 'standing' | 'label'> {
  const embedded = readFields(
    fields._embedded,
    `_embedded of ${where}, which needs okta.users.read`,
  );
  return readStanding(readFields(embedded.user, `the user in ${where}`), where);
}

function otherPerson(wanted: string, received: string): DirectoryAnswer {
  const [asked, came] = [JSON.stringify(wanted), JSON.stringify(received)];
  return unknownBecause(`Asked for ${asked}, received ${came}.`);
}
