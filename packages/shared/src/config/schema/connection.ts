import * as z from 'zod';
import { type ConnectionId, toConnectionId } from '../../core/ids.ts';
import { PRESET_NAMES, PRESETS } from '../presets.ts';
import { directorySchema } from './directory.ts';
import {
  duration,
  expecting,
  flag,
  list,
  mapping,
  name,
  oneOf,
  patterned,
  quote,
  textAs,
} from './fields.ts';
import { idpSchema } from './idp.ts';
import { ownKeysSchema } from './own-keys.ts';
import { exactName, refuseLostKey } from './patterns.ts';
import { sweepSchema } from './sweep.ts';

/** What names a person in an assertion of a connection. */
export type SubjectConfig =
  | { readonly kind: 'attribute'; readonly name: string }
  /** SAML Core §8.3.7. */
  | { readonly kind: 'name_id'; readonly format: 'persistent' };

/** What a connection may accept although it is no longer safe. */
const WEAK_ALGORITHMS = ['sha1_signature', 'sha1_digest', 'rsa1_5', 'aes_cbc'] as const;

const ID = /^[a-z0-9][a-z0-9-]{0,62}$/;
const ID_FORM = 'an id of lower-case letters, digits and hyphens, 1 to 63 characters';

/** The id of a connection. */
export function connectionId() {
  return textAs<ConnectionId>(ID_FORM, (text) =>
    ID.test(text)
      ? { ok: true, value: toConnectionId(text) }
      : { ok: false, wrong: `expected ${ID_FORM}, received ${quote(text)}` },
  );
}

/** One entry of `connections`. */
export function connectionSchema(baseDir: string) {
  return mapping({
    id: connectionId(),
    label: name('a label', 80).optional(),
    idp: idpSchema(baseDir),
    preset: oneOf(PRESET_NAMES).default('generic'),
    subject: subjectSchema().optional(),
    directory_id: mapping({ attribute: name('the name of an attribute') }).optional(),
    attributes: attributesSchema().prefault({}),
    group_aliases: groupAliasesSchema().prefault({}),
    provisioning: oneOf(['jit', 'scim', 'both']).default('jit'),
    roles: oneOf(['authoritative', 'additive', 'first_login']).default('authoritative'),
    domains: list(domain(), 'a list of domains').default([]),
    signed: oneOf(['assertion', 'response', 'both']).default('assertion'),
    encryption: oneOf(['optional', 'required']).default('optional'),
    weak_algorithms: list(oneOf(WEAK_ALGORITHMS), 'a list of names').default([]),
    clock_skew: duration('0s', '5m').prefault('60s'),
    allow_create: flag().default(false),
    force_authn: flag().default(false),
    authn_context: list(contextClass(), 'a list of class URIs').default([]),
    sign_requests: oneOf(['auto', 'always', 'never']).default('auto'),
    idp_initiated: flag().default(false),
    keys: ownKeysSchema(baseDir).optional(),
    directory: directorySchema(baseDir).prefault({ type: 'none' }),
    sweep: sweepSchema().optional(),
  }).transform((raw, context) => {
    const preset = PRESETS[raw.preset];
    const subject = raw.subject ?? defaultSubject(preset.subject, context);
    return {
      id: raw.id,
      /** What people read at the sign-in page. */
      label: raw.label ?? raw.id,
      idp: raw.idp,
      preset: raw.preset,
      subject,
      /** Where the directory's own id of a person is; null: the subject is that id. */
      directoryId: raw.directory_id ?? null,
      attributes: {
        email: raw.attributes.email ?? preset.email,
        givenName: raw.attributes.given_name ?? preset.givenName,
        familyName: raw.attributes.family_name ?? preset.familyName,
        /** Empty: the groups are not known, which is not the same as none. */
        groups: raw.attributes.groups ?? [...preset.groups],
        /** What stands between groups that come joined in one value; null: each is one group. */
        groupsSplit: raw.attributes.groups_split ?? null,
      },
      /** Readable names of groups, by the names under which the groups come. */
      groupAliases: raw.group_aliases,
      /** Who makes people known: sign-ins, a client over SCIM, or both. */
      provisioning: raw.provisioning,
      roles: raw.roles,
      domains: raw.domains,
      signed: raw.signed,
      encryption: raw.encryption,
      weakAlgorithms: raw.weak_algorithms,
      clockSkewMs: raw.clock_skew,
      /** `AllowCreate` of the request's NameIDPolicy (SAML Core §3.4.1.1). */
      allowCreate: raw.allow_create,
      /** `ForceAuthn` of the request (SAML Core §3.4.1). */
      forceAuthn: raw.force_authn,
      /** `RequestedAuthnContext` of the request (SAML Core §3.3.2.2.1), compared exactly. */
      authnContext: raw.authn_context,
      signRequests: raw.sign_requests,
      /** Sign-ins may begin at the identity provider (SAML Profiles §4.1.5). */
      idpInitiated: raw.idp_initiated,
      /** Our own keys for this connection; null: those of `saml`. */
      keys: raw.keys ?? null,
      directory: raw.directory,
      /** Null: never swept. */
      sweep: raw.sweep ?? null,
    };
  });
}

/** What the subject of a preset is, or why it has to be given. */
function defaultSubject(
  subject: (typeof PRESETS)['generic']['subject'],
  context: z.core.$RefinementCtx,
): SubjectConfig {
  if ('attribute' in subject) return { kind: 'attribute', name: subject.attribute };
  // `relations.ts` says the same with its reason; this keeps the schema sound by itself.
  context.addIssue({
    code: 'custom',
    message: subjectMissing(subject.none),
    path: ['subject'],
    params: { code: 'config.missing' },
  });
  return z.NEVER;
}

/** The sentence for a preset that has no subject of its own. */
export function subjectMissing(reason: string): string {
  return `is missing: ${reason}`;
}

function subjectSchema() {
  return mapping({
    attribute: name('the name of an attribute').optional(),
    name_id: oneOf(['persistent']).optional(),
  }).transform((subject, context): SubjectConfig => {
    if (subject.attribute !== undefined && subject.name_id === undefined) {
      return { kind: 'attribute', name: subject.attribute };
    }
    if (subject.name_id !== undefined && subject.attribute === undefined) {
      return { kind: 'name_id', format: subject.name_id };
    }
    context.addIssue({
      code: 'custom',
      message: 'expected either { attribute: NAME } or { name_id: persistent }',
      params: { code: 'config.conflict' },
    });
    return z.NEVER;
  });
}

function attributesSchema() {
  const attribute = () => name('the name of an attribute');
  return mapping({
    email: attribute().optional(),
    given_name: attribute().optional(),
    family_name: attribute().optional(),
    groups: list(attribute(), 'a list of attribute names').optional(),
    groups_split: patterned(SPLIT, 'one to three characters, none of them a space').optional(),
  });
}

const SPLIT = /^[^\s\p{Cc}]{1,3}$/u;

/** `{ id: alias }`; that no alias means two groups is checked in `relations.ts`. */
function groupAliasesSchema() {
  const aliases = z.record(name('the name or id of a group'), exactName('an alias'), {
    error: expecting('a mapping of group names or ids to aliases'),
  });
  return refuseLostKey(aliases).transform(
    (given): ReadonlyMap<string, string> => new Map(Object.entries(given)),
  );
}

/** An absolute URI: what the schema says of a class of authentication, and no more. */
function contextClass() {
  return patterned(
    /^[A-Za-z][A-Za-z0-9+.-]*:[!-~]{1,250}$/,
    'a class URI, such as urn:oasis:names:tc:SAML:2.0:ac:classes:TimeSyncToken',
  );
}

const DOMAIN =
  /^(?=.{1,253}$)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z](?:[a-z0-9-]{0,61}[a-z0-9])$/;

/** A DNS domain; an internationalized one in its `xn--` form. */
function domain() {
  return patterned(DOMAIN, 'a domain in lower case, such as example.com');
}
