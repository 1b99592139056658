import type { Keycloak } from './server.ts';

/** A SAML client as the Admin REST API has it; what is not named here is kept. */
interface SamlClient {
  readonly id: string;
  readonly clientId: string;
  readonly name?: string;
  readonly protocol: string;
  readonly attributes: Readonly<Record<string, string>>;
}

/** How a client departs from the realm's own. */
export interface ClientChange {
  /** Rollcall's address. */
  readonly app: string;
  readonly connection: string;
  readonly attributes?: Readonly<Record<string, string>>;
  /** Whether Keycloak signs people out here by their browser, or by itself. */
  readonly frontchannelLogout?: boolean;
}

/** Adds a client for one connection: the realm's own SAML client with other settings. */
export async function addSamlClient(keycloak: Keycloak, change: ClientChange): Promise<void> {
  const path = `/admin/realms/${keycloak.realm}/clients`;
  const clients = (await keycloak.admin.request('GET', path)) as SamlClient[];
  const base = clients.find(({ protocol, name }) => protocol === 'saml' && name === 'Rollcall');
  if (base === undefined) throw new Error('the realm has no SAML client');
  const { id: _, name: __, ...rest } = base;
  const url = `${change.app}/saml/${change.connection}`;
  const client = {
    ...rest,
    protocolMappers: withoutIds(rest as { protocolMappers?: readonly { id?: string }[] }),
    clientId: `${url}/metadata`,
    redirectUris: [`${url}/acs`],
    frontchannelLogout: change.frontchannelLogout ?? true,
    attributes: {
      ...base.attributes,
      saml_assertion_consumer_url_post: `${url}/acs`,
      saml_single_logout_service_url_redirect: `${url}/logout`,
      saml_single_logout_service_url_post: `${url}/logout`,
      ...change.attributes,
    },
  };
  await keycloak.admin.request('POST', path, JSON.stringify(client));
}

function withoutIds({ protocolMappers = [] }: { protocolMappers?: readonly { id?: string }[] }) {
  return protocolMappers.map(({ id: _, ...mapper }) => mapper);
}

/** A key with which the realm signs, as a component of it. */
export interface RealmKey {
  readonly id: string;
  /** Changes some of its settings; its priority, or whether it is enabled. */
  configure(settings: Readonly<Record<string, string>>): Promise<void>;
}

/** Adds an RSA key; the one of the highest priority signs, and every enabled one is in the metadata. */
export async function addRealmKey(keycloak: Keycloak, priority: number): Promise<RealmKey> {
  const path = `/admin/realms/${keycloak.realm}/components`;
  const { id: realmId } = (await keycloak.admin.request(
    'GET',
    `/admin/realms/${keycloak.realm}`,
  )) as { id: string };
  const name = `rsa-${priority}-${Date.now()}`;
  await keycloak.admin.request(
    'POST',
    path,
    JSON.stringify({
      name,
      providerId: 'rsa-generated',
      providerType: 'org.keycloak.keys.KeyProvider',
      parentId: realmId,
      config: { priority: [`${priority}`], keySize: ['2048'], active: ['true'], enabled: ['true'] },
    }),
  );
  return findRealmKey(keycloak, (key) => key.name === name);
}

/** The key that signs while no other has been added. */
export function firstRealmKey(keycloak: Keycloak): Promise<RealmKey> {
  return findRealmKey(keycloak, (key) => key.providerId === 'rsa-generated');
}

interface Component {
  readonly id: string;
  readonly name: string;
  readonly providerId: string;
  readonly config: Readonly<Record<string, readonly string[]>>;
}

async function findRealmKey(
  keycloak: Keycloak,
  fits: (component: Component) => boolean,
): Promise<RealmKey> {
  const path = `/admin/realms/${keycloak.realm}/components`;
  const type = 'org.keycloak.keys.KeyProvider';
  const all = (await keycloak.admin.request('GET', `${path}?type=${type}`)) as Component[];
  const found = all.find(fits);
  if (found === undefined) throw new Error('the realm has no such key');
  const configure = async (settings: Readonly<Record<string, string>>): Promise<void> => {
    const now = (await keycloak.admin.request('GET', `${path}/${found.id}`)) as Component;
    const changed = Object.fromEntries(Object.entries(settings).map(([key, one]) => [key, [one]]));
    const config = { ...now.config, ...changed };
    await keycloak.admin.request('PUT', `${path}/${found.id}`, JSON.stringify({ ...now, config }));
  };
  return { id: found.id, configure };
}
