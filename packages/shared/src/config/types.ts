import type * as z from 'zod';
import type { RoleRule } from '../core/roles.ts';
import type { configSchema } from './schema.ts';

export type { PresetName } from './presets.ts';
export type { SubjectConfig } from './schema/connection.ts';
export type { IdpConfig } from './schema/idp.ts';
export type { Share } from './schema/sweep.ts';
export type { ListenAddress } from './schema/urls.ts';
export type { ProtectedSubject } from './schema.ts';
export type { Environment, SecretReference, UrlSource } from './secrets.ts';

type Schema = ReturnType<typeof configSchema>;
type Parsed = z.output<Schema>;

/** A configuration as it may be written, in a file or as an object for the plugin. */
export type ConfigInput = z.input<Schema>;

/** A rule that gives a role, with the place where it is written. */
export type RoleRuleConfig = RoleRule;

/** A configuration that passed every check, with every default filled in. */
export type Config = Omit<Parsed, 'roles'> & { roles: RoleRuleConfig[] };

export type SessionConfig = Config['session'];
export type ConnectionConfig = Config['connections'][number];
/** References to our own key pairs. */
export type OwnKeysConfig = Config['saml'];
export type AttributesConfig = ConnectionConfig['attributes'];

/** Where we ask who still exists; `none` where nobody can be asked. */
export type DirectoryConfig = ConnectionConfig['directory'];
export type ScimDirectoryConfig = Extract<DirectoryConfig, { type: 'scim' }>;
export type LdapDirectoryConfig = Extract<DirectoryConfig, { type: 'ldap' }>;
export type KeycloakDirectoryConfig = Extract<DirectoryConfig, { type: 'keycloak' }>;

/** A target that this service serves by itself. */
export type TargetConfig = Config['targets'][number];
/** A sink: a way in which operators are told. */
export type SinkConfig = Config['notify'][number];

/** How a proxy says with which certificate a SCIM client came. */
export type ClientCertificateConfig = NonNullable<Config['scim']['clientCertificate']>;
export type ClientCertificateForm = ClientCertificateConfig['form'];

export type SweepConfig = NonNullable<ConnectionConfig['sweep']>;
/** Each a share of the active users of the connection. */
export type SweepLimitsConfig = SweepConfig['limits'];
