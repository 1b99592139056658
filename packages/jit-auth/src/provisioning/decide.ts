import type { ConnectionId, DirectoryId, Subject } from '@rollcall/shared/core/ids';
import { faultOfImmutableId } from '@rollcall/shared/core/ids';
import {
  type GroupsUnknown,
  mapRoles,
  type RoleMapping,
  type RoleRule,
} from '@rollcall/shared/core/roles';
import type { Profile } from '@rollcall/shared/core/user';
import { emailOutside, readProfile, textTooLong } from './profile.ts';

/** What a verified assertion says of a person. */
export interface AssertedPerson {
  readonly nameId: { readonly value: string; readonly format: string | null };
  readonly attributes: ReadonlyMap<string, readonly string[]>;
}

/** How a connection's assertions are read, and what follows from them. */
export interface ProvisioningPolicy {
  readonly connectionId: ConnectionId;
  readonly subject:
    | { readonly kind: 'attribute'; readonly attribute: string }
    | { readonly kind: 'name_id' };
  /** The attribute with the directory's id; null: the subject is that id. */
  readonly directoryIdAttribute: string | null;
  readonly attributes: {
    readonly email: string | null;
    readonly givenName: string | null;
    readonly familyName: string | null;
    readonly groups: readonly string[];
    /** Between groups that come joined in one value; null: each value is one group. */
    readonly groupsSplit: string | null;
  };
  /** See `RoleInput.aliases`. */
  readonly groupAliases: ReadonlyMap<string, string>;
  /** Domains that the connection may assert; empty: any. */
  readonly domains: readonly string[];
  readonly rules: readonly RoleRule[];
  readonly defaultRole: string | null;
  /** Subjects of this connection that no automation touches. */
  readonly protectedSubjects: ReadonlySet<string>;
}

/** Why an assertion that verified admits nobody. */
export type ProvisioningRefusal =
  | 'identity.subject_missing'
  | 'identity.subject_ambiguous'
  | 'identity.bad_subject'
  | 'identity.transient_subject'
  | 'identity.subject_not_persistent'
  | 'identity.directory_id_missing'
  | 'identity.bad_directory_id'
  | 'identity.email_outside_domains'
  | 'identity.attribute_too_long'
  | 'access.no_role'
  | 'access.groups_missing';

/** What follows from an assertion: who it is and what they may do, or why not. */
export type Provisioning =
  | {
      readonly kind: 'admit';
      readonly subject: Subject;
      readonly directoryId: DirectoryId;
      readonly protected: boolean;
      readonly profile: Profile;
      readonly groups: readonly string[] | null;
      readonly groupsUnknown: GroupsUnknown | null;
      readonly attributes: ReadonlyMap<string, readonly string[]>;
      readonly mapping: RoleMapping;
    }
  | {
      readonly kind: 'refuse';
      readonly code: ProvisioningRefusal;
      /** Null where the assertion does not even say who it is. */
      readonly subject: Subject | null;
      /** For the log and the audit trail: what was expected and what came. */
      readonly detail: Readonly<Record<string, unknown>>;
    };

type Refusal = Extract<Provisioning, { kind: 'refuse' }>;

/** SAML Core §8.3.7 and §8.3.8. */
const PERSISTENT = 'urn:oasis:names:tc:SAML:2.0:nameid-format:persistent';
const TRANSIENT = 'urn:oasis:names:tc:SAML:2.0:nameid-format:transient';
/** What an id has to be, in the words of the log. */
const PRINTABLE = 'printable, not padded';
/** What Entra sends in place of more than 150 groups: a link, not the groups. */
const OVERAGE_CLAIMS = [
  'http://schemas.microsoft.com/claims/groups.link',
  'http://schemas.microsoft.com/ws/2008/06/identity/claims/groups.link',
];

/**
 * Decides who an assertion names and what follows. Pure. It asks nothing of the
 * database but whether the person is known: an unknown person without a role is
 * refused before anything is written; a known one is judged where the grants are
 * locked, because another connection may hold a role of theirs.
 *
 * @param known whether this subject has a user already.
 */
export function decideProvisioning(
  person: AssertedPerson,
  policy: ProvisioningPolicy,
  known: (subject: Subject) => boolean,
): Provisioning {
  const subject = readSubject(person, policy);
  if (typeof subject !== 'string') return subject;
  const directoryId = readDirectoryId(person, policy, subject);
  if (typeof directoryId !== 'string') return directoryId;
  const profile = readProfile(person.attributes, policy.attributes);
  const outside = emailOutside(profile.email, policy.domains);
  if (outside !== null) return refuse('identity.email_outside_domains', subject, outside);
  const tooLong = textTooLong(profile);
  if (tooLong !== null) return refuse('identity.attribute_too_long', subject, tooLong);

  const groups = readGroups(person, policy);
  const input = {
    connection: policy.connectionId,
    groups: groups.names,
    aliases: policy.groupAliases,
    attributes: person.attributes,
  };
  const mapped = mapRoles(input, policy.rules, policy.defaultRole);
  const mapping =
    groups.names === null ? { kind: 'unknown' as const, because: groups.because } : mapped;
  const admitted = {
    kind: 'admit' as const,
    subject,
    directoryId,
    protected: policy.protectedSubjects.has(subject),
    profile,
    groups: groups.names,
    groupsUnknown: groups.names === null ? groups.because : null,
    attributes: attributesThatRulesName(person, policy.rules),
    mapping,
  };
  if (known(subject)) return admitted;
  if (mapping.kind === 'unknown') return admitUngrouped(admitted, mapping.because, policy);
  if (mapping.roles.length > 0) return admitted;
  const { unmatched } = mapping;
  const detail = { expected: 'a group that a rule names', received: unmatched, unmatched };
  return refuse('access.no_role', subject, detail);
}

/** A first sign-in without a group claim: the default role, or a refusal that says so. */
function admitUngrouped(
  admitted: Extract<Provisioning, { kind: 'admit' }>,
  because: GroupsUnknown,
  policy: ProvisioningPolicy,
): Provisioning {
  if (policy.defaultRole === null) {
    const expected = `one of the attributes ${policy.attributes.groups.join(', ')}`;
    const received = because === 'groups_missing' ? 'none' : 'a link, because there are too many';
    return refuse('access.groups_missing', admitted.subject, { expected, received });
  }
  const mapping: RoleMapping = {
    kind: 'known',
    roles: [policy.defaultRole],
    because: [],
    missed: [],
    unmatched: [],
    byDefault: true,
  };
  return { ...admitted, mapping };
}

function readSubject(person: AssertedPerson, policy: ProvisioningPolicy): Subject | Refusal {
  if (policy.subject.kind === 'name_id') return readPersistentNameId(person);
  const { attribute } = policy.subject;
  const values = person.attributes.get(attribute) ?? [];
  const [value] = values;
  if (value === undefined) {
    const received = [...person.attributes.keys()];
    return refuse('identity.subject_missing', null, { expected: attribute, received });
  }
  if (values.length > 1) {
    const received = `${values.length} values`;
    return refuse('identity.subject_ambiguous', null, {
      expected: 'one value',
      received,
      attribute,
    });
  }
  return checkSubject(value);
}

function readPersistentNameId({ nameId }: AssertedPerson): Subject | Refusal {
  const detail = { expected: PERSISTENT, received: nameId.format ?? 'no format' };
  if (nameId.format === TRANSIENT) return refuse('identity.transient_subject', null, detail);
  if (nameId.format !== PERSISTENT) return refuse('identity.subject_not_persistent', null, detail);
  return checkSubject(nameId.value);
}

function checkSubject(value: string): Subject | Refusal {
  const fault = faultOfImmutableId(value);
  if (fault === null) return value as Subject;
  return refuse('identity.bad_subject', null, { expected: PRINTABLE, received: fault });
}

function readDirectoryId(
  person: AssertedPerson,
  policy: ProvisioningPolicy,
  subject: Subject,
): DirectoryId | Refusal {
  const attribute = policy.directoryIdAttribute;
  // Without an attribute of its own the subject is the directory's id.
  if (attribute === null) return subject as string as DirectoryId;
  const values = person.attributes.get(attribute) ?? [];
  const [value] = values;
  if (value === undefined || values.length > 1) {
    const received = `${values.length} values`;
    return refuse('identity.directory_id_missing', subject, { expected: attribute, received });
  }
  const fault = faultOfImmutableId(value);
  if (fault === null) return value as DirectoryId;
  return refuse('identity.bad_directory_id', subject, { expected: PRINTABLE, received: fault });
}

/** What an assertion says of groups; without names, why they are not known. */
type AssertedGroups =
  | { readonly names: readonly string[] }
  | { readonly names: null; readonly because: GroupsUnknown };

const MISSING = { names: null, because: 'groups_missing' } as const;
const TOO_MANY = { names: null, because: 'groups_overflow' } as const;

/** An absent claim is no empty claim, and neither is a link to it (invariant 9). */
function readGroups(person: AssertedPerson, policy: ProvisioningPolicy): AssertedGroups {
  const names = policy.attributes.groups;
  if (names.length === 0) {
    const asked = policy.rules.some((rule) => asksForGroups(rule, policy.connectionId));
    return asked ? MISSING : { names: [] };
  }
  if (OVERAGE_CLAIMS.some((claim) => person.attributes.has(claim))) return TOO_MANY;
  const present = names.filter((name) => person.attributes.has(name));
  if (present.length === 0) return MISSING;
  const values = present.flatMap((name) => person.attributes.get(name) ?? []);
  const { groupsSplit: between } = policy.attributes;
  const groups = between === null ? values : values.flatMap((value) => splitAt(value, between));
  return { names: [...new Set(groups.filter((group) => group !== ''))].sort() };
}

/** Groups that an identity provider joined in one value. */
function splitAt(value: string, between: string): readonly string[] {
  return value.split(between).map((part) => part.trim());
}

/** Whether a rule that holds for the connection cannot be judged without groups. */
function asksForGroups(rule: RoleRule, connectionId: ConnectionId): boolean {
  const holds = rule.from === null || rule.from.includes(connectionId);
  return holds && rule.when.anyGroup.length + rule.when.allGroups.length > 0;
}

/** Kept with the user, so that the sweep maps roles as sign-in did. */
function attributesThatRulesName(
  person: AssertedPerson,
  rules: readonly RoleRule[],
): ReadonlyMap<string, readonly string[]> {
  const named = new Set(rules.flatMap((rule) => Object.keys(rule.when.attributes)));
  return new Map([...person.attributes].filter(([name]) => named.has(name)));
}

function refuse(
  code: ProvisioningRefusal,
  subject: Subject | null,
  detail: Readonly<Record<string, unknown>>,
): Refusal {
  return { kind: 'refuse', code, subject, detail };
}
