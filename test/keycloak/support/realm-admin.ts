import { REALM } from './realm.ts';

/** A person as the Admin REST API shows them. */
export interface RealmUser {
  readonly id: string;
  readonly username: string;
  readonly enabled: boolean;
}

/** What a new person needs. */
export interface NewRealmUser {
  readonly username: string;
  readonly email?: string;
  readonly firstName?: string;
  readonly lastName?: string;
  /** Paths, such as `/analysts/finance`. */
  readonly groups?: readonly string[];
  readonly password?: string;
}

/** Changes the realm as its administrator would. Every method throws on an unexpected status. */
export class RealmAdmin {
  readonly #url: string;
  readonly #token: () => Promise<string>;

  constructor(url: string, token: () => Promise<string>) {
    this.#url = url;
    this.#token = token;
  }

  async createRealm(json: string): Promise<void> {
    await this.request('POST', '/admin/realms', json);
  }

  async user(username: string): Promise<RealmUser> {
    const query = new URLSearchParams({ username, exact: 'true' });
    const found = (await this.#realm('GET', `/users?${query}`)) as RealmUser[];
    if (found[0] === undefined) throw new Error(`the realm has no user ${username}`);
    return found[0];
  }

  /** Adds a person and returns their id. */
  async addUser(user: NewRealmUser): Promise<string> {
    const { password, ...fields } = user;
    const credentials =
      password === undefined ? [] : [{ type: 'password', value: password, temporary: false }];
    const body = { ...fields, enabled: true, emailVerified: true, credentials };
    await this.#realm('POST', '/users', body);
    return (await this.user(user.username)).id;
  }

  async setEnabled(username: string, enabled: boolean): Promise<void> {
    const { id } = await this.user(username);
    await this.#realm('PUT', `/users/${id}`, { enabled });
  }

  async removeUser(username: string): Promise<void> {
    const { id } = await this.user(username);
    await this.#realm('DELETE', `/users/${id}`);
  }

  /** @param path such as `/analysts/finance` */
  async joinGroup(username: string, path: string): Promise<void> {
    const { id } = await this.user(username);
    await this.#realm('PUT', `/users/${id}/groups/${await this.#groupId(path)}`);
  }

  async leaveGroup(username: string, path: string): Promise<void> {
    const { id } = await this.user(username);
    await this.#realm('DELETE', `/users/${id}/groups/${await this.#groupId(path)}`);
  }

  /** Points the SAML client at a service provider whose address was not known at the start. */
  async setServiceProvider(spEntityId: string, acsUrl: string): Promise<void> {
    const clients = (await this.#realm('GET', '/clients')) as {
      id: string;
      protocol: string;
      name?: string;
      attributes: Record<string, string>;
    }[];
    const client = clients.find(({ protocol, name }) => protocol === 'saml' && name === 'Rollcall');
    if (client === undefined) throw new Error('the realm has no SAML client');
    const attributes = { ...client.attributes, saml_assertion_consumer_url_post: acsUrl };
    const change = { ...client, clientId: spEntityId, redirectUris: [acsUrl], attributes };
    await this.#realm('PUT', `/clients/${client.id}`, change);
  }

  /** Any request as the administrator of the server; the parsed answer, or null where it has none. */
  async request(method: string, path: string, body?: string): Promise<unknown> {
    const response = await fetch(`${this.#url}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${await this.#token()}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path} answered ${response.status}: ${text}`);
    return text === '' ? null : JSON.parse(text);
  }

  async #groupId(path: string): Promise<string> {
    const group = (await this.#realm('GET', `/group-by-path${path}`)) as { id: string };
    return group.id;
  }

  #realm(method: string, path: string, body?: unknown): Promise<unknown> {
    const json = body === undefined ? undefined : JSON.stringify(body);
    return this.request(method, `/admin/realms/${REALM}${path}`, json);
  }
}
