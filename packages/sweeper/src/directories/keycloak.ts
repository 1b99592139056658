import type { DirectoryMember } from '@rollcall/shared/core/evidence';
import type { DirectoryId } from '@rollcall/shared/core/ids';
import {
  type Fields,
  readCount,
  readFields,
  readFlag,
  readId,
  readLabel,
} from './answer-fields.ts';
import { bySecret } from './client-authentication.ts';
import { ClientCredentials } from './client-credentials.ts';
import { DirectoryError } from './directory-error.ts';
import { type HttpAnswer, HttpClient } from './http-client.ts';
import type { HttpTime } from './http-time.ts';
import {
  type GroupNameForm,
  type RealmGroups,
  readGroupsOfUser,
  readRealmMembership,
} from './keycloak-groups.ts';
import { readByOffset } from './keycloak-paging.ts';
import { checkRoles, readClaims, type TokenClaims } from './keycloak-token.ts';
import { hashFacts } from './listing-fingerprint.ts';
import { ABSENT, answerOrUnknown, segmentOf, unknownBecause } from './look-up-answer.ts';
import type { Membership } from './membership.ts';
import type { Pace } from './pace.ts';
import type { Directory, DirectoryAnswer, DirectoryPage } from './port.ts';

/** Where and as whom a realm of Keycloak is asked. */
export interface KeycloakDirectoryOptions {
  /** The base, without `/realms/…` and without a slash at the end. */
  readonly url: string;
  readonly realm: string;
  /** A confidential client of that realm with a service account. */
  readonly clientId: string;
  readonly clientSecret: () => Promise<string>;
  /** For one request, in milliseconds. */
  readonly timeoutMs: number;
  /** What the SAML group mapper sends; `name` by default (its "Full group path" switched off). */
  readonly groupNames?: GroupNameForm;
  /** Rows to ask for on a page, at least 2; 500 by default. */
  readonly pageSize?: number;
  /** Waited for before each request; null or left out: not at all. */
  readonly pace?: Pace | null;
  /** The clock of the process by default. */
  readonly time?: HttpTime;
}

const DEFAULT_PAGE_SIZE = 500;

/**
 * A realm of Keycloak through its Admin REST API, as a service account with the
 * role `view-users` of `realm-management`. `enabled: false` is `disabled`. Nobody
 * is `unassigned`: Keycloak has no list of who may use a client. Service accounts
 * are neither listed nor counted.
 */
export function keycloakDirectory(options: KeycloakDirectoryOptions): Directory {
  const pageSize = options.pageSize ?? DEFAULT_PAGE_SIZE;
  if (!Number.isSafeInteger(pageSize) || pageSize < 2) {
    throw new RangeError(`expected a page size of at least 2, received ${pageSize}`);
  }
  return new KeycloakDirectory(options, pageSize);
}

class KeycloakDirectory implements Directory {
  readonly type = 'keycloak';
  readonly capabilities = { lookUp: true, groups: true };
  readonly #options: KeycloakDirectoryOptions;
  readonly #credentials: ClientCredentials;
  readonly #realm: RealmGroups;

  constructor(options: KeycloakDirectoryOptions, pageSize: number) {
    this.#options = options;
    const { url: baseUrl, clientId, clientSecret, timeoutMs, pace = null } = options;
    const time = options.time === undefined ? {} : { time: options.time };
    const realm = encodeURIComponent(options.realm);
    const tokenPath = `/realms/${realm}/protocol/openid-connect/token`;
    this.#credentials = new ClientCredentials({
      baseUrl,
      tokenPath,
      clientId,
      authenticate: bySecret(clientId, clientSecret),
      timeoutMs,
      pace,
      ...time,
    });
    this.#realm = {
      http: new HttpClient({ baseUrl, timeoutMs, credentials: this.#credentials, pace, ...time }),
      realmPath: `/admin/realms/${realm}`,
      pageSize,
      form: options.groupNames ?? 'name',
    };
  }

  async fingerprint(signal: AbortSignal): Promise<string> {
    // A fresh token, because the old one still says what has since been taken away.
    this.#credentials.discard();
    const { iss, sub, azp, roles } = await this.#checkAccount(signal);
    const { url, realm, clientId } = this.#options;
    const { pageSize, form } = this.#realm;
    const facts = { type: this.type, url, realm, clientId, pageSize, form };
    return hashFacts({ ...facts, iss, sub, azp, roles });
  }

  async *list(signal: AbortSignal): AsyncGenerator<DirectoryPage> {
    await this.#checkAccount(signal);
    const announcedTotal = await this.#countUsers(signal);
    const membership = await readRealmMembership(this.#realm, signal);
    const path = `${this.#realm.realmPath}/users`;
    for await (const { rows, next } of readByOffset({ ...this.#realm, path }, signal)) {
      if (next === null) await this.#checkCount(announcedTotal, signal);
      const members = rows.map((row) => toMember(row, membership, path));
      yield { members, next: next === null ? null : String(next), announcedTotal };
    }
  }

  lookUp(id: DirectoryId, signal: AbortSignal): Promise<DirectoryAnswer> {
    return answerOrUnknown(signal, () => this.#ask(id, signal));
  }

  async #ask(id: DirectoryId, signal: AbortSignal): Promise<DirectoryAnswer> {
    const segment = segmentOf(id);
    if (segment === null) return unknownBecause('The id is a path step and cannot be asked for.');
    await this.#checkAccount(signal);
    const path = `${this.#realm.realmPath}/users/${segment}`;
    const answer = await this.#realm.http.send({ target: path, expects: [404] }, signal);
    if (answer.status === 404) {
      if (saysUserNotFound(answer)) return ABSENT;
      return unknownBecause('Expected {"error":"User not found"} with 404, received another 404.');
    }
    const where = 'the answer to a look-up';
    const user = readFields(answer.body, where);
    const received = readId(user.id, where);
    if (received !== id) {
      return unknownBecause(
        `Asked for ${JSON.stringify(id)}, received ${JSON.stringify(received)}.`,
      );
    }
    const groups = await readGroupsOfUser(this.#realm, path, signal);
    return {
      standing: readFlag(user.enabled, `enabled of ${where}`) ? 'present' : 'disabled',
      groups,
      label: readLabel(user.username),
      because: null,
    };
  }

  async #checkAccount(signal: AbortSignal): Promise<TokenClaims> {
    const claims = readClaims(await this.#credentials.token(signal));
    checkRoles(claims);
    return claims;
  }

  async #countUsers(signal: AbortSignal): Promise<number> {
    const path = `${this.#realm.realmPath}/users/count`;
    const { body } = await this.#realm.http.send({ target: path }, signal);
    return readCount(body, `the answer of ${path}`);
  }

  /** Who came and went since the listing began may be what the offsets skipped. */
  async #checkCount(before: number, signal: AbortSignal): Promise<void> {
    const now = await this.#countUsers(signal);
    if (now === before) return;
    throw new DirectoryError(
      'cursor_broken',
      `The realm counted ${before} users before the listing and ${now} after it.`,
    );
  }
}

/**
 * The one 404 that means that there is no such person. A wrong realm
 * (`Realm not found.`), a wrong path and a proxy answer 404 otherwise.
 */
function saysUserNotFound({ mediaType, body }: HttpAnswer): boolean {
  if (mediaType !== 'application/json' || typeof body !== 'object' || body === null) return false;
  return 'error' in body && body.error === 'User not found';
}

function toMember(row: Fields, membership: Membership, path: string): DirectoryMember {
  const where = `a row of ${path}`;
  const id = readId(row.id, where);
  return {
    id,
    standing: readFlag(row.enabled, `enabled of ${where}`) ? 'present' : 'disabled',
    groups: membership.groupsOf(id),
    label: readLabel(row.username),
  };
}
