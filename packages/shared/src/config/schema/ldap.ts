import * as z from 'zod';
import { asking, toAsking } from './asking.ts';
import { count, duration, flag, mapping, name, oneOf, type Reading, textAs } from './fields.ts';
import { filePath, secretReference } from './references.ts';

/** The products that say in words of their own who is shut out. */
export const LDAP_SERVERS = ['active_directory', 'openldap', '389ds'] as const;
export type LdapServerName = (typeof LDAP_SERVERS)[number];

/** What is usual with a product, where the configuration does not say otherwise. */
const USUAL = {
  active_directory: {
    filter: '(&(objectCategory=person)(objectClass=user))',
    id: 'objectGUID',
    idFormat: 'guid',
    label: 'sAMAccountName',
    groupFilter: '(objectClass=group)',
    membership: 'member_of',
  },
  openldap: {
    filter: '(objectClass=inetOrgPerson)',
    id: 'entryUUID',
    idFormat: 'text',
    label: 'uid',
    groupFilter: '(|(objectClass=groupOfNames)(objectClass=groupOfUniqueNames))',
    membership: 'member',
  },
  '389ds': {
    filter: '(objectClass=inetOrgPerson)',
    id: 'nsUniqueId',
    idFormat: 'text',
    label: 'uid',
    groupFilter: '(|(objectClass=groupOfNames)(objectClass=groupOfUniqueNames))',
    membership: 'member',
  },
} as const;

/** The directory part of a connection where an LDAP server is asked. */
export function ldapSchema(baseDir: string) {
  return mapping({
    type: z.literal('ldap'),
    url: ldapUrl(),
    start_tls: flag().default(false),
    ca: filePath(baseDir).optional(),
    bind_dn: name('a distinguished name', 1024),
    password: secretReference(baseDir),
    server: oneOf(LDAP_SERVERS),
    base: name('a distinguished name', 1024),
    filter: searchFilter().optional(),
    id: attribute().optional(),
    id_format: oneOf(['text', 'guid', 'base64', 'hex']).optional(),
    label: attribute().optional(),
    groups: groupsSchema().prefault({}),
    assignment_group: name('a distinguished name', 1024).optional(),
    timeout: duration('1s', '5m').prefault('10s'),
    page_size: count(1, 1000).default(500),
    ...asking(),
  })
    .superRefine((directory, context) => {
      const { url, start_tls: startTls } = directory;
      if (url.security === 'none' && !startTls && !url.loopback) {
        const message =
          'must be ldaps://, or have start_tls: true: the password would cross the network as text';
        context.addIssue({ code: 'custom', path: ['url'], message });
      }
      if (url.security === 'ldaps' && startTls) {
        const message = 'expected false: ldaps:// has TLS from the first byte';
        context.addIssue({ code: 'custom', path: ['start_tls'], message });
      }
    })
    .transform((directory) => {
      const usual = USUAL[directory.server];
      const { url, groups } = directory;
      const security = directory.start_tls ? ('starttls' as const) : url.security;
      return {
        type: directory.type,
        address: { host: url.host, port: url.port, security },
        /** File with the authorities to trust; null: those of Node. */
        caFile: directory.ca ?? null,
        bindDn: directory.bind_dn,
        password: directory.password,
        server: directory.server,
        base: directory.base,
        filter: directory.filter ?? usual.filter,
        id: {
          attribute: directory.id ?? usual.id,
          format: directory.id_format ?? (directory.id === undefined ? usual.idFormat : 'text'),
        },
        label: directory.label ?? usual.label,
        groups: {
          base: groups.base ?? directory.base,
          filter: groups.filter ?? usual.groupFilter,
          membership: groups.membership ?? usual.membership,
          name: groups.name,
          nested: groups.nested,
        },
        assignmentGroup: directory.assignment_group ?? null,
        timeoutMs: directory.timeout,
        pageSize: directory.page_size,
        ...toAsking(directory),
      };
    });
}

function groupsSchema() {
  return mapping({
    base: name('a distinguished name', 1024).optional(),
    filter: searchFilter().optional(),
    /** Which side is written: `member` by the group, `member_of` by the person. */
    membership: oneOf(['member', 'member_of']).optional(),
    name: attribute().default('cn'),
    nested: flag().default(true),
  });
}

/** A server by its URL. */
export interface LdapUrl {
  readonly host: string;
  readonly port: number;
  readonly security: 'ldaps' | 'none';
  readonly loopback: boolean;
}

const URL_FORM = 'ldaps://host, or ldap://host, with a port where it is not the usual one';
const LOOPBACK = new Set(['localhost', '127.0.0.1', '[::1]']);

/** RFC 4516, as far as it names a server; what is searched has keys of its own. */
function ldapUrl() {
  return textAs(URL_FORM, (text): Reading<LdapUrl> => {
    const url = URL.parse(text);
    const scheme = /^(ldaps?):\/\//.exec(text)?.[1];
    if (url === null || scheme === undefined || url.hostname === '') {
      return { ok: false, wrong: `expected ${URL_FORM}` };
    }
    const bare = url.username === '' && url.password === '' && url.search === '' && url.hash === '';
    if (!bare || (url.pathname !== '' && url.pathname !== '/')) {
      return { ok: false, wrong: `expected ${URL_FORM}, and nothing else` };
    }
    const security = scheme === 'ldaps' ? 'ldaps' : 'none';
    const port = url.port === '' ? (security === 'ldaps' ? 636 : 389) : Number(url.port);
    const host = url.hostname.replace(/^\[|\]$/g, '');
    return { ok: true, value: { host, port, security, loopback: LOOPBACK.has(url.hostname) } };
  });
}

const ATTRIBUTE = /^[A-Za-z][A-Za-z0-9-]{0,127}$/;

/** RFC 4512 §2.5. */
function attribute() {
  const expected = 'the name of an attribute';
  return textAs(
    expected,
    (text): Reading<string> =>
      ATTRIBUTE.test(text)
        ? { ok: true, value: text }
        : { ok: false, wrong: `expected ${expected}` },
  );
}

/** RFC 4515. The whole grammar is checked when the directory is opened; brackets already here. */
function searchFilter() {
  const expected = 'a filter in brackets, such as (objectClass=person)';
  return textAs(
    expected,
    (text): Reading<string> =>
      isBalanced(text) ? { ok: true, value: text } : { ok: false, wrong: `expected ${expected}` },
  );
}

function isBalanced(text: string): boolean {
  if (!text.startsWith('(') || !text.endsWith(')')) return false;
  let depth = 0;
  for (const [index, sign] of [...text].entries()) {
    if (sign === '(') depth += 1;
    if (sign === ')') depth -= 1;
    if (depth < 0 || (depth === 0 && index < [...text].length - 1)) return false;
  }
  return depth === 0;
}
