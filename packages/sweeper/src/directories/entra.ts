import type { DirectoryMember } from '@rollcall/shared/core/evidence';
import type { DirectoryId } from '@rollcall/shared/core/ids';
import { type Fields, readFields, readFlag, readId, readLabel } from './answer-fields.ts';
import type { ClientAuthentication } from './client-authentication.ts';
import { ClientCredentials } from './client-credentials.ts';
import {
  type Assignments,
  type EnterpriseApp,
  isAssignedDirectly,
  readApp,
  readAssignments,
  readDirectMembers,
  readGroupsOfUser,
} from './entra/assignments.ts';
import { readCounted, readGraphRefusal, saysNotFound } from './entra/graph.ts';
import { HttpClient } from './http-client.ts';
import type { HttpTime } from './http-time.ts';
import { hashFacts } from './listing-fingerprint.ts';
import { ABSENT, answerOrUnknown, segmentOf, unknownBecause } from './look-up-answer.ts';
import type { Pace } from './pace.ts';
import type { Directory, DirectoryAnswer, DirectoryPage } from './port.ts';

/** Where and as whom a tenant of Microsoft Entra is asked. */
export interface EntraDirectoryOptions {
  /** Microsoft Graph, such as `https://graph.microsoft.com`, without a slash at the end. */
  readonly url: string;
  /** Where tokens come from, such as `https://login.microsoftonline.com`. */
  readonly loginUrl: string;
  readonly tenant: string;
  /** Application id of the SAML app whose assignments count. */
  readonly appId: string;
  /** Of the app registration that asks. */
  readonly clientId: string;
  /** By certificate or by a federated credential; never by a secret. */
  readonly authenticate: ClientAuthentication;
  /** `assigned`: the groups that the app is assigned to, by object id; `none`: not told. */
  readonly groups: 'none' | 'assigned';
  /** For one request, in milliseconds. */
  readonly timeoutMs: number;
  /** Rows to ask for on a page of users, 2 to 999. */
  readonly pageSize: number;
  readonly pace?: Pace | null;
  /** The clock of the process by default. */
  readonly time?: HttpTime;
}

/** Graph's windows last ten seconds and its pauses rarely longer than minutes. */
const PATIENCE_MS = 60_000;
/** How long look-ups share what they read of the app, in milliseconds. */
const APP_KEPT_MS = 15_000;
const PERSON = 'id,accountEnabled,userPrincipalName';
const LOOK_UP = 'the answer to a look-up';

/**
 * The people of a tenant who may use one enterprise application, through Microsoft Graph.
 * `accountEnabled: false` is `disabled`. Where the application asks for an assignment,
 * whoever has none, directly or as a direct member of an assigned group, is not listed: a
 * look-up tells whether they are `unassigned` or `absent`.
 */
export function entraDirectory(options: EntraDirectoryOptions): Directory {
  const { url, loginUrl, tenant, clientId, authenticate, timeoutMs, pace = null } = options;
  const time = options.time === undefined ? {} : { time: options.time };
  const credentials = new ClientCredentials({
    baseUrl: loginUrl,
    tokenPath: `/${encodeURIComponent(tenant)}/oauth2/v2.0/token`,
    clientId,
    authenticate,
    fields: { scope: `${url}/.default` },
    timeoutMs,
    pace,
    ...time,
  });
  const http = new HttpClient({
    baseUrl: url,
    timeoutMs,
    patienceMs: PATIENCE_MS,
    credentials,
    pace,
    readRefusal: readGraphRefusal,
    ...time,
  });
  return new EntraDirectory(options, credentials, http);
}

interface SharedApp {
  readonly app: EnterpriseApp;
  readonly assignments: Assignments;
}

class EntraDirectory implements Directory {
  readonly type = 'entra';
  readonly capabilities;
  readonly #options: EntraDirectoryOptions;
  readonly #credentials: ClientCredentials;
  readonly #http: HttpClient;
  #shared: { readonly read: Promise<SharedApp>; readonly until: number } | null = null;

  constructor(options: EntraDirectoryOptions, credentials: ClientCredentials, http: HttpClient) {
    this.#options = options;
    this.#credentials = credentials;
    this.#http = http;
    this.capabilities = { lookUp: true, groups: options.groups === 'assigned' };
  }

  async fingerprint(signal: AbortSignal): Promise<string> {
    // A fresh token, because the old one still carries permissions that were taken away since.
    this.#credentials.discard();
    const { url, tenant, appId, clientId, groups, pageSize } = this.#options;
    const app = await readApp(this.#http, appId, signal);
    const facts = { type: this.type, url, tenant, appId, clientId, groups, pageSize };
    return hashFacts({ ...facts, ...app });
  }

  async *list(signal: AbortSignal): AsyncGenerator<DirectoryPage> {
    const { app, assignments } = await this.#readShared(signal);
    const membership = await readDirectMembers(this.#http, assignments.groups, signal);
    const { pageSize } = this.#options;
    const users = { path: '/v1.0/users', select: PERSON, pageSize };
    for await (const { rows, next } of readCounted(this.#http, users, signal)) {
      const members: DirectoryMember[] = [];
      for (const { id, fields, where } of rows) {
        const person = readPerson(fields, where);
        const groups = membership.groupsOf(id);
        const assigned = !app.assignmentRequired || assignments.users.has(id) || groups.length > 0;
        // Somebody whom a list of assignments lacks is not yet unassigned: they are looked up.
        if (assigned || person.standing === 'disabled') {
          members.push({ id, ...person, groups: this.#told(groups) });
        }
      }
      yield { members, next, announcedTotal: null };
    }
  }

  lookUp(id: DirectoryId, signal: AbortSignal): Promise<DirectoryAnswer> {
    return answerOrUnknown(signal, () => this.#ask(id, signal));
  }

  async #ask(id: DirectoryId, signal: AbortSignal): Promise<DirectoryAnswer> {
    const segment = segmentOf(id);
    if (segment === null) return unknownBecause('The id is a path step and cannot be asked for.');
    const target = `/v1.0/users/${segment}`;
    const request = { target, query: { $select: PERSON }, expects: [404] };
    const answer = await this.#http.send(request, signal);
    if (saysNotFound(answer)) return ABSENT;
    const fields = readFields(answer.body, LOOK_UP);
    const received = readId(fields.id, LOOK_UP);
    // Graph finds people by their principal name as well.
    if (received !== id) {
      const [asked, came] = [JSON.stringify(id), JSON.stringify(received)];
      return unknownBecause(`Asked for ${asked}, received ${came}.`);
    }
    const person = readPerson(fields, LOOK_UP);
    const { app, assignments } = await this.#share(signal);
    const groups = await readGroupsOfUser(this.#http, segment, assignments.groups, signal);
    const told = { groups: this.#told(groups), label: person.label, because: null };
    if (person.standing === 'disabled') return { standing: 'disabled', ...told };
    const assigned =
      !app.assignmentRequired ||
      groups.length > 0 ||
      (await isAssignedDirectly(this.#http, segment, app, signal));
    return { standing: assigned ? 'present' : 'unassigned', ...told };
  }

  /** The groups of a person, where they are to be told. */
  #told(groups: readonly string[]): readonly string[] | null {
    return this.#options.groups === 'assigned' ? groups : null;
  }

  async #readShared(signal: AbortSignal): Promise<SharedApp> {
    const { appId } = this.#options;
    const app = await readApp(this.#http, appId, signal);
    return { app, assignments: await readAssignments(this.#http, appId, signal) };
  }

  /** The same assignments for look-ups that follow each other closely. */
  async #share(signal: AbortSignal): Promise<SharedApp> {
    const now = (this.#options.time ?? performance).now();
    if (this.#shared === null || now >= this.#shared.until) {
      const read = this.#readShared(signal);
      this.#shared = { read, until: now + APP_KEPT_MS };
      // What failed is read again at the next call.
      read.catch(() => {
        if (this.#shared?.read === read) this.#shared = null;
      });
    }
    return this.#shared.read;
  }
}

function readPerson(
  fields: Fields,
  where: string,
): Pick<DirectoryMember, 'label'> & { readonly standing: 'present' | 'disabled' } {
  return {
    standing: readFlag(fields.accountEnabled, `accountEnabled of ${where}`)
      ? 'present'
      : 'disabled',
    label: readLabel(fields.userPrincipalName),
  };
}
