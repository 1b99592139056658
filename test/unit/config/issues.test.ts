import { ConfigError } from '@rollcall/shared/config/issues';
import { parseConfig, validateConfig } from '@rollcall/shared/config/load';
import { DIRECTORY_TYPES } from '@rollcall/shared/config/schema/directory';
import { EVENT_NAMES } from '@rollcall/shared/notify/events';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

const HEAD = `version: 1
public_url: https://auth.example.com
session: { keys: [env:SESSION_KEY] }
`;
const ACME = `connections:
  - id: acme
    idp: { metadata_url: https://idp.example/metadata }
    subject: { attribute: uid }
`;
const SCIM = '    directory: { type: scim, url: https://idp.example/scim, token: env:T }\n';

function errorOf(text: string): ConfigError {
  try {
    parseConfig(text, { file: 'rollcall.yaml', env: {}, baseDir: '/nowhere' });
  } catch (error) {
    if (error instanceof ConfigError) return error;
    throw error;
  }
  throw new Error('expected the configuration to be refused');
}

/** The lines and codes of a refusal, without the name of the file. */
function problemsOf(text: string): string[] {
  const error = errorOf(text);
  const lines = error.message.split('\n').map((line) => line.replace('rollcall.yaml:', ''));
  return lines.map((line, index) => `${error.issues[index]?.code.slice(7)}  ${line}`);
}

describe('a wrong top level', () => {
  it.each([
    [
      'version: 2\npublicUrl: https://a.example\n',
      [
        'missing  1:1  public_url  is missing: expected an https URL (http only for localhost, 127.0.0.1 or [::1])',
        'missing  1:1  session  is missing: expected a mapping',
        'missing  1:1  connections  is missing: expected a list of at least one connection',
        'bad_value  1:10  version  expected 1, the only version of this format, received 2',
        'unknown_key  2:1  publicUrl  unknown key "publicUrl": did you mean "public_url"?',
      ],
    ],
    [
      `${HEAD.replace('[env:SESSION_KEY]', '[]')}connections: []\n`,
      [
        'bad_value  3:18  session.keys  expected a list of at least one reference (env:NAME or file:/path), received an empty list',
        'bad_value  4:14  connections  expected a list of at least one connection, received an empty list',
      ],
    ],
    [
      `${HEAD.replace('{ keys', '{ idle: 9h, keys')}${ACME}`,
      [
        'conflict  3:18  session.idle  expected idle to be at most max, received idle 9h and max 8h',
      ],
    ],
    [
      `${HEAD.replace('{ keys', '{ idle: 1 hour, max: 60, keys')}${ACME}`,
      [
        'bad_value  3:18  session.idle  expected a duration such as 15s, 30m, 8h or 1d, received "1 hour"',
        'wrong_type  3:31  session.max  expected a duration such as 15s, 30m, 8h or 1d, received a number',
      ],
    ],
    [
      `${HEAD}${ACME}database: { url: "postgres://u:hunter2@db/x" }\nredis: { url: "redis://r/?password=hunter2" }\n`,
      [
        'not_a_reference  8:18  database.url  holds a password: move the URL to a secret and refer to it as env:NAME',
        'not_a_reference  9:15  redis.url  holds a password: move the URL to a secret and refer to it as env:NAME',
      ],
    ],
    [
      `${HEAD}${ACME}database: { url: "mysql://db/x" }\nadmin: { tokens: [hunter2, "env:A B", "file:", "file:///x"] }\n`,
      [
        'bad_value  8:18  database.url  must be a reference (env:NAME or file:/path) or a postgres URL without a password',
        'not_a_reference  9:19  admin.tokens.0  must be a reference (env:NAME or file:/path), never the secret itself',
        'not_a_reference  9:28  admin.tokens.1  expected env:NAME, where NAME has only letters, digits and underscores',
        'not_a_reference  9:39  admin.tokens.2  expected file:/path with one slash, or file:path beside this file',
        'not_a_reference  9:48  admin.tokens.3  expected file:/path with one slash, or file:path beside this file',
      ],
    ],
    [
      `${HEAD}${ACME}notify:
  - { type: webhook, url: env:HOOK_URL }
  - { type: webhok, url: env:HOOK_URL }
  - { type: slack, url: https://hooks.slack.example/secret }
  - { type: log, on: [sweep.hold] }
  - { type: log, name: again, on: [] }
  - { type: email, smtp: env:SMTP, from: "Ops <ops@example.com>", to: [a@example.com, "b@example.com, c@example.com"] }
`,
      [
        'missing  9:5  notify.0.secret  is missing: expected a reference, or a list of one to five',
        'bad_value  10:13  notify.1.type  expected one of webhook, slack, email, log, received "webhok": did you mean "webhook"?',
        'not_a_reference  11:25  notify.2.url  must be a reference (env:NAME or file:/path), never the secret itself',
        `bad_value  12:23  notify.3.on.0  expected one of ${EVENT_NAMES.join(', ')}, received "sweep.hold": did you mean "sweep.held"?`,
        'bad_value  13:35  notify.4.on  expected a list of at least one event, received an empty list',
        'bad_value  14:42  notify.5.from  expected an e-mail address, such as ops@example.com, received "Ops <ops@example.com>"',
        'bad_value  14:87  notify.5.to.1  expected an e-mail address, such as ops@example.com, received "b@example.com, c@example.com"',
      ],
    ],
    [
      `${HEAD}${ACME}targets:
  - { type: webhook, url: http://crm.example/hook, secret: env:S }
  - { type: webhook, url: "https://u:p@crm.example/", secret: [env:S, env:T] , name: b }
  - { type: webhook, url: http://crm.example/hook, allow_http: true, secret: env:S }
`,
      ['bad_value  10:27  targets.1.url  expected a URL without credentials'],
    ],
    [
      `${HEAD}${ACME}targets:
  - { type: webhook, url: http://crm.example/hook, secret: env:S }
  - { type: webhook, url: http://localhost/hook, secret: env:S, on: [user.deactivated] }
`,
      [
        'bad_value  9:27  targets.0.url  must be https: http is accepted for this machine, or with allow_http: true',
        'duplicate  10:5  targets.1  expected a name of its own for each target, received "webhook", which number 0 has already (add name: …)',
      ],
    ],
    [
      `${HEAD}${ACME}default_role: Guest\nprotect: [acme, "acme:", "Acme:x", "other:x", "acme: x"]\n`,
      [
        'bad_value  8:15  default_role  expected a role of lower-case letters, digits, "_" and "-", beginning with a letter, at most 63 characters, received "Guest"',
        'bad_value  9:11  protect.0  expected connection:subject, such as acme:00u1a2b3',
        'bad_value  9:17  protect.1  expected a subject of 1 to 256 printable characters after "acme:", received one that is empty',
        'bad_value  9:26  protect.2  expected connection:subject, such as acme:00u1a2b3',
        'unknown_connection  9:26  protect.2  expected the id of a connection (acme), received "Acme"',
        'unknown_connection  9:36  protect.3  expected the id of a connection (acme), received "other"',
        'bad_value  9:47  protect.4  expected a subject of 1 to 256 printable characters after "acme:", received one that is padded',
      ],
    ],
  ])('%#', (text, expected) => {
    expect(problemsOf(text)).toEqual(expected);
  });
});

const NO_KEY = '-----BEGIN PRIVATE KEY-----hunter2-----END PRIVATE KEY-----';
const IDP_FORMS =
  'expected exactly one of metadata_url, metadata_file, metadata, or entity_id with sso_url and certs';

describe('a wrong connection', () => {
  it.each([
    ['', [`missing  5:10  connections.0.idp  ${IDP_FORMS}`]],
    [
      'metadata_url: https://a.example, metadata_file: m.xml',
      [`conflict  5:10  connections.0.idp  ${IDP_FORMS}, received metadata_url and metadata_file`],
    ],
    [
      'metadata: "<a/>", slo_url: https://a.example',
      [
        'conflict  5:39  connections.0.idp.slo_url  expected no slo_url beside metadata: the metadata says it',
      ],
    ],
    [
      'metadata: "<a/>", refresh: 1h, pin: [file:none.pem], overlap: 1h, allow_private_address: true',
      [
        'conflict  5:39  connections.0.idp.refresh  expected no refresh beside metadata: it belongs to metadata_url and metadata_file',
        'conflict  5:48  connections.0.idp.pin  expected no pin beside metadata: it belongs to metadata_url and metadata_file',
        'bad_certificate  5:49  connections.0.idp.pin.0  cannot be read: there is no such file',
        'conflict  5:74  connections.0.idp.overlap  expected no overlap beside metadata: it belongs to metadata_url',
        'conflict  5:101  connections.0.idp.allow_private_address  expected no allow_private_address beside metadata: it belongs to metadata_url',
      ],
    ],
    [
      'metadata_url: https://a.example, refresh: 1s, overlap: 31d',
      [
        'bad_value  5:54  connections.0.idp.refresh  expected a duration from 5s to 1d, received "1s"',
        'bad_value  5:67  connections.0.idp.overlap  expected a duration from 0s to 30d, received "31d"',
      ],
    ],
    [
      'entity_id: x, sso_url: http://a.example',
      [
        'missing  5:10  connections.0.idp.certs  is missing: entity_id, sso_url and certs belong together',
        'bad_value  5:35  connections.0.idp.sso_url  must be https: http is accepted only for localhost, 127.0.0.1, [::1]',
      ],
    ],
    [
      'metadata: see below, metdata_file: x',
      [
        'bad_value  5:22  connections.0.idp.metadata  expected SAML metadata (XML), which begins with "<"',
        'unknown_key  5:33  connections.0.idp.metdata_file  unknown key "metdata_file": did you mean "metadata_file"?',
      ],
    ],
    [
      `entity_id: x, sso_url: https://a.example, certs: [hunter2, "${NO_KEY}", file:none.pem, "-----BEGIN CERTIFICATE-----\\nAAAA\\n-----END CERTIFICATE-----"]`,
      [
        'bad_certificate  5:62  connections.0.idp.certs.0  expected a certificate: file:/path or PEM (-----BEGIN CERTIFICATE-----)',
        'bad_certificate  5:71  connections.0.idp.certs.1  holds a private key: expected only the certificate',
        'bad_certificate  5:134  connections.0.idp.certs.2  cannot be read: there is no such file',
        'bad_certificate  5:149  connections.0.idp.certs.3  is malformed: expected an X.509 certificate in PEM',
      ],
    ],
  ])('idp: { %s }', (idp, expected) => {
    const text = `${HEAD}connections:\n  - idp: { ${idp} }\n    id: acme\n    subject: { attribute: uid }\n`;
    expect(problemsOf(text)).toEqual(expected);
  });

  it.each([
    [
      'provisioning: ldap',
      [
        'bad_value  8:19  connections.0.provisioning  expected one of jit, scim, both, received "ldap"',
      ],
    ],
    [
      'roles: additiv',
      [
        'bad_value  8:12  connections.0.roles  expected one of authoritative, additive, first_login, received "additiv": did you mean "additive"?',
      ],
    ],
    [
      'clock_skew: 6m',
      [
        'bad_value  8:17  connections.0.clock_skew  expected a duration from 0s to 5m, received "6m"',
      ],
    ],
    [
      'allow_create: "yes"',
      ['wrong_type  8:19  connections.0.allow_create  expected true or false, received text'],
    ],
    [
      'domains: [ACME.com, a.example, localhost, a.example]',
      [
        'bad_value  8:15  connections.0.domains.0  expected a domain in lower case, such as example.com, received "ACME.com"',
        'bad_value  8:36  connections.0.domains.2  expected a domain in lower case, such as example.com, received "localhost"',
        'duplicate  8:47  connections.0.domains.3  expected each domain once, received "a.example", which connections.0 has already',
      ],
    ],
    [
      'attributes: { groups: groups, firstname: x }',
      [
        'wrong_type  8:27  connections.0.attributes.groups  expected a list of attribute names, received text',
        'unknown_key  8:35  connections.0.attributes.firstname  unknown key "firstname": expected one of email, given_name, family_name, groups, groups_split',
      ],
    ],
    [
      'directory: { type: workday, url: https://x.example }',
      [
        `bad_value  8:24  connections.0.directory.type  this version cannot ask a directory of type "workday": expected one of ${DIRECTORY_TYPES.join(', ')}`,
      ],
    ],
    [
      'directory: { url: https://x.example }\n    sweep: {}',
      [
        `missing  8:16  connections.0.directory.type  is missing: expected one of ${DIRECTORY_TYPES.join(', ')}`,
      ],
    ],
    [
      'directory: { type: keycloak, url: https://x.example/realms/a, realm: "", client_id: x, client_secret: hunter2 }',
      [
        'bad_value  8:39  connections.0.directory.url  expected the base URL, without /realms/…',
        'bad_value  8:74  connections.0.directory.realm  expected the name of a realm of 1 to 256 characters on one line, without spaces around it',
        'not_a_reference  8:107  connections.0.directory.client_secret  must be a reference (env:NAME or file:/path), never the secret itself',
      ],
    ],
    [
      'directory: { type: scim, url: https://x.example, token: env:T, page_size: 0 }',
      [
        'bad_value  8:79  connections.0.directory.page_size  expected a whole number from 1 to 1000',
      ],
    ],
    [
      'sweep: { every: 15m }',
      [
        'conflict  8:5  connections.0.sweep  expected a directory to ask, or silence: without either, nobody can be found to have left (add directory, add silence to sweep, or remove sweep)',
      ],
    ],
    [
      'encryption: required',
      [
        'conflict  8:17  connections.0.encryption  expected a key for decryption: nothing encrypted could be read (add keys.decryption, or saml.decryption)',
      ],
    ],
    [
      'encryption: required\n    keys: { signing: [env:KEY] }\nsaml: { decryption: [env:KEY] }',
      [
        'conflict  8:17  connections.0.encryption  expected a key for decryption: nothing encrypted could be read (add keys.decryption, or saml.decryption)',
      ],
    ],
    [
      'sign_requests: always\nsaml: { decryption: [env:KEY] }',
      [
        'conflict  8:20  connections.0.sign_requests  expected a key for signing (add keys.signing, or saml.signing)',
      ],
    ],
    [
      'idp_initiated: true\n    force_authn: true',
      [
        'conflict  8:20  connections.0.idp_initiated  expected one of idp_initiated and force_authn: where nobody asks, nobody can ask for a fresh sign-in',
      ],
    ],
    [
      'authn_context: [Password]',
      [
        'bad_value  8:21  connections.0.authn_context.0  expected a class URI, such as urn:oasis:names:tc:SAML:2.0:ac:classes:TimeSyncToken, received "Password"',
      ],
    ],
    [
      'weak_algorithms: [sha1_digest, aes_cbc]',
      [
        'conflict  8:22  connections.0.weak_algorithms  expected signed: response or signed: both with "aes_cbc": unless the ciphertext is signed, our answers to changed ones give the plain text away',
      ],
    ],
    [
      'weak_algorithms: [md5]',
      [
        'bad_value  8:23  connections.0.weak_algorithms.0  expected one of sha1_signature, sha1_digest, rsa1_5, aes_cbc, received "md5"',
      ],
    ],
  ])('%s', (line, expected) => {
    expect(problemsOf(`${HEAD}${ACME}    ${line}\n`)).toEqual(expected);
  });

  it.each(['"0%"', '"51%"', '"100%"', '"-1%"', 'off', '"2"', '"1e1%"', '"%"'])(
    'does not take %s for a limit',
    (share) => {
      const text = `${HEAD}${ACME}${SCIM}    sweep: { limits: { absence_per_run: ${share} } }\n`;
      expect(problemsOf(text)).toEqual([
        'bad_value  9:41  connections.0.sweep.limits.absence_per_run  expected a share such as "2%", above 0% and at most 50%: the brake cannot be switched off',
      ]);
    },
  );

  it.each(['"21%"', '"0%"', '"100%"', 'off'])(
    'does not let one person approve more than a fifth alone: %s',
    (share) => {
      const text = `${HEAD}${ACME}${SCIM}    sweep: { two_approvers_above: ${share} }\n`;
      expect(problemsOf(text)).toEqual([
        'bad_value  9:35  connections.0.sweep.two_approvers_above  expected a share such as "2%", above 0% and at most 20%: the brake cannot be switched off',
      ]);
    },
  );

  it.each(['2', 'false', 'null'])('does not take %s for a limit', (share) => {
    const text = `${HEAD}${ACME}${SCIM}    sweep: { limits: { absence_per_day: ${share} } }\n`;
    expect(problemsOf(text)[0]).toMatch(/^wrong_type .*expected a share such as "2%"/);
  });

  it('does not sweep faster than every 10 s, nor confirm in less than 1 s', () => {
    const text = `${HEAD}${ACME}${SCIM}    sweep: { every: 9s, confirm_after: 0s }\n`;
    expect(problemsOf(text)).toEqual([
      'bad_value  9:21  connections.0.sweep.every  expected a duration from 10s to 7d, received "9s"',
      'bad_value  9:40  connections.0.sweep.confirm_after  expected a duration from 1s to 1d, received "0s"',
    ]);
  });

  it('has an id of its own', () => {
    const text = `${HEAD}${ACME}${ACME.replace('connections:\n', '')}`;
    expect(problemsOf(text)).toEqual([
      'duplicate  8:9  connections.1.id  expected an id of its own, received "acme", which connections.0 has already',
    ]);
    expect(problemsOf(`${HEAD}${ACME.replace('acme', 'Acme Inc')}`)).toEqual([
      'bad_value  5:9  connections.0.id  expected an id of lower-case letters, digits and hyphens, 1 to 63 characters, received "Acme Inc"',
    ]);
  });
});

describe('a wrong rule', () => {
  it.each([
    ['{ role: a }', ['missing  9:5  roles.0.when  is missing: expected a mapping']],
    [
      '{ role: a, when: {} }',
      [
        'missing  9:22  roles.0.when  expected at least one condition: any_group, all_groups or attributes',
      ],
    ],
    [
      '{ role: a, when: { any_group: [] } }',
      [
        'bad_value  9:35  roles.0.when.any_group  expected a list of group names, received an empty list',
      ],
    ],
    [
      '{ role: a, when: { all_groups: ["bi:*"] } }',
      [
        'conflict  9:37  roles.0.when.all_groups.0  expected an exact group name, received the pattern "bi:*": all_groups takes exact names, so it would match nothing: patterns belong in any_group',
      ],
    ],
    [
      '{ role: a, when: { attributes: { level: 3, x: [] } } }',
      [
        'wrong_type  9:45  roles.0.when.attributes.level  expected text (in quotes where it is a number or true/false), or a list of such, received a number',
        'bad_value  9:51  roles.0.when.attributes.x  expected text (in quotes where it is a number or true/false), or a list of such, received an empty list',
      ],
    ],
    [
      '{ role: a, when: { any_group: [{ re2: "(bi" }, { re2: "" }, { re: x }, 7] } }',
      [
        'bad_value  9:43  roles.0.when.any_group.0.re2  expected an expression in the syntax of RE2, of 1 to 256 characters, received "(bi": missing closing ): `(bi`',
        'bad_value  9:59  roles.0.when.any_group.1.re2  expected an expression in the syntax of RE2, of 1 to 256 characters, received "": it is empty, and would match every name',
        'missing  9:65  roles.0.when.any_group.2.re2  is missing: expected an expression in the syntax of RE2, of 1 to 256 characters',
        'unknown_key  9:67  roles.0.when.any_group.2.re  unknown key "re": did you mean "re2"?',
        'wrong_type  9:76  roles.0.when.any_group.3  expected a group name (in quotes where it is a number or true/false), or { re2: EXPRESSION }, received a number',
      ],
    ],
    [
      '{ role: a, when: { attributes: { title: { re2: "(?=x)" }, x: [{ re2: "a{1000}{2}" }] } } }',
      [
        'bad_value  9:45  roles.0.when.attributes.title.0.re2  expected an expression in the syntax of RE2, of 1 to 256 characters, received "(?=x)": invalid or unsupported Perl syntax: `(?=`',
        'bad_value  9:74  roles.0.when.attributes.x.0.re2  expected an expression in the syntax of RE2, of 1 to 256 characters, received "a{1000}{2}": invalid nested repetition operator: `{1000}{2}`',
      ],
    ],
    [
      '{ role: admin, privileged: true, when: { any_group: [A, { re2: ^A }], attributes: { t: [boss, "b*"] } }, from: [acme] }',
      [
        'conflict  9:61  roles.0.when.any_group.1  expected an exact group name, received the pattern "re2(^A)": whoever can create a group whose name matches could give themselves this privileged role',
        'conflict  9:99  roles.0.when.attributes.t.1  expected an exact value, received the pattern "b*": a privileged role is given by exact names and values only',
      ],
    ],
    [
      '{ role: none, when: { any_group: [A] }, from: [acm] }',
      [
        'conflict  9:13  roles.0.role  expected another name: none stands for no role at all (default_role: none)',
        'unknown_connection  9:52  roles.0.from.0  expected the id of a connection (acme), received "acm"',
      ],
    ],
    [
      '{ role: admin, privileged: true, when: { any_group: ["BI-Admin?"] } }',
      [
        'missing  9:5  roles.0.from  is missing: a privileged role is given only by connections named here, so that no other IdP can claim it',
        'conflict  9:58  roles.0.when.any_group.0  expected an exact group name, received the pattern "BI-Admin?": whoever can create a group whose name matches could give themselves this privileged role',
      ],
    ],
    [
      '{ role: admin, privileged: true, when: { attributes: { x: y } }, from: [acme] }',
      [
        'missing  9:44  roles.0.when  expected any_group or all_groups: a privileged role needs an exact group name',
      ],
    ],
    [
      '{ role: admin, privileged: true, when: { any_group: [A] }, from: [acme] }\n  - { role: admin, when: { any_group: ["*"] } }\ndefault_role: admin',
      [
        'conflict  10:13  roles.1.role  expected privileged: true in every rule for "admin", as in roles.0: one rule without it would give the role past the guard',
        'conflict  11:15  default_role  expected a role that is not privileged, received "admin": everybody would get it',
      ],
    ],
  ])('%s', (rule, expected) => {
    expect(problemsOf(`${HEAD}${ACME}roles:\n  - ${rule}\n`)).toEqual(expected);
  });
});

describe('an error', () => {
  it('carries its issues as data', () => {
    const error = errorOf(`${HEAD}${ACME}listn: x\n`);
    expect(error.code).toBe('config.invalid');
    expect(error.issues).toEqual([
      {
        file: 'rollcall.yaml',
        line: 8,
        column: 1,
        path: 'listn',
        message: 'unknown key "listn": did you mean "listen"?',
        code: 'config.unknown_key',
      },
    ]);
  });

  it('does not repeat a value that stands where a key belongs', () => {
    const text = `${HEAD}${ACME}database: { "postgres://u:hunter2@db/x" }\nadmin: { 5f4dcc3b5aa765d6 }\n`;
    expect(problemsOf(text)).toEqual([
      'unknown_key  8:13  database  a key that is not known (not shown): expected url',
      'unknown_key  9:10  admin  a key that is not known (not shown): expected tokens',
    ]);
  });

  it('hides no other, however wrong the parts are', () => {
    const text = `version: one\nconnections: [7, { id: a, idp: , sweep: {} }]\nroles: [x, { role: b, from: [c] }]\nsession: {}\n`;
    expect(problemsOf(text)).toEqual([
      'missing  1:1  public_url  is missing: expected an https URL (http only for localhost, 127.0.0.1 or [::1])',
      'wrong_type  1:10  version  expected the number 1, received text',
      'wrong_type  2:15  connections.0  expected a mapping, received a number',
      'missing  2:18  connections.1.subject  is missing: an unknown identity provider has no default: name the attribute that holds an immutable id, or { name_id: persistent }',
      'wrong_type  2:27  connections.1.idp  expected a mapping, received nothing',
      'conflict  2:34  connections.1.sweep  expected a directory to ask, or silence: without either, nobody can be found to have left (add directory, add silence to sweep, or remove sweep)',
      'wrong_type  3:9  roles.0  expected a mapping, received text',
      'missing  3:12  roles.1.when  is missing: expected a mapping',
      'unknown_connection  3:30  roles.1.from.0  expected the id of a connection (a), received "c"',
      'missing  4:10  session.keys  is missing: expected a list of at least one reference (env:NAME or file:/path)',
    ]);
  });

  it('points at the text behind an alias', () => {
    const text = `${HEAD}${ACME}${SCIM}    sweep: &s { every: 1s }\n${ACME.replace('connections:\n', '').replace('acme', 'b')}${SCIM}    sweep: *s\n`;
    expect(problemsOf(text)).toEqual([
      'bad_value  9:24  connections.0.sweep.every  expected a duration from 10s to 7d, received "1s"',
      'bad_value  9:24  connections.1.sweep.every  expected a duration from 10s to 7d, received "1s"',
    ]);
  });
});

/** Every place that takes a reference or holds a secret by mistake, in an otherwise good object. */
function withSecrets(secret: string): unknown[] {
  const base = {
    version: 1,
    public_url: 'https://auth.example.com',
    session: { keys: ['env:K'] },
    connections: [
      { id: 'acme', idp: { metadata_url: 'https://a.example' }, subject: { attribute: 'uid' } },
    ],
  };
  const [connection] = base.connections;
  const inConnection = (part: object) => ({ ...base, connections: [{ ...connection, ...part }] });
  const kc = { type: 'keycloak', url: 'https://k.example', realm: 'r', client_id: 'c' };
  const encoded = encodeURIComponent(secret);
  return [
    { ...base, session: { keys: [secret] } },
    { ...base, admin: { tokens: [secret] } },
    { ...base, database: { url: secret } },
    { ...base, database: { url: `postgres://u:${encoded}@db/x` } },
    { ...base, redis: { url: `redis://:${encoded}@r` } },
    { ...base, public_url: `https://u:${encoded}@a.example` },
    { ...base, notify: [{ type: 'webhook', secret }] },
    { ...base, admin: { token: secret } },
    { ...base, admin: secret },
    inConnection({ directory: { type: 'scim', url: 'https://s.example', token: secret } }),
    inConnection({
      directory: { type: 'scim', url: `https://u:${encoded}@s.example`, token: 'env:T' },
    }),
    inConnection({ directory: { ...kc, client_secret: secret } }),
    inConnection({ directory: { ...kc, client_secert: secret } }),
    inConnection({
      directory: { type: 'scim', url: 'https://s.example', token: { [`${secret}9`]: null } },
    }),
    inConnection({ idp: { metadata_url: `https://u:${encoded}@a.example` } }),
    inConnection({ idp: { metadata: secret } }),
    inConnection({ idp: { entity_id: 'x', sso_url: 'https://a.example', certs: [secret] } }),
  ];
}

describe('a secret in the file', () => {
  // Letters and digits that occur in no sentence, framed so that a match is no accident.
  const secrets = fc.string({
    unit: fc.constantFrom(...'qQzZxX7#"\'\\{}[]:&*!|>%@ \té\n'),
    minLength: 1,
    maxLength: 40,
  });

  it('never shows in an error', () => {
    fc.assert(
      fc.property(secrets, (middle) => {
        const secret = `zq7${middle}7qz`;
        for (const [index, input] of withSecrets(secret).entries()) {
          for (const attempt of [
            () => validateConfig(input),
            () => errorText(JSON.stringify(input)),
          ]) {
            const shown = messageOf(attempt);
            expect(shown, `place ${index}`).not.toContain('zq7');
            expect(shown, `place ${index}`).not.toContain('7qz');
          }
        }
      }),
      { numRuns: 30 },
    );
  });

  it('never shows where it breaks the YAML', () => {
    fc.assert(
      fc.property(secrets, (middle) => {
        const secret = `zq7${middle}7qz`;
        for (const place of [
          `session: { keys: [${secret}] }\n`,
          `admin:\n  tokens:\n    - ${secret}\n`,
          `database:\n  url: ${secret}\n`,
        ]) {
          const shown = messageOf(() => errorText(`version: 1\n${place}`));
          expect(shown).not.toContain('zq7');
          expect(shown).not.toContain('7qz');
        }
      }),
    );
  });
});

function errorText(text: string): never {
  throw errorOf(text);
}

function messageOf(attempt: () => unknown): string {
  try {
    attempt();
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return `${error.message}\n${JSON.stringify([error.issues, error.detail])}\n${String(error.cause)}`;
  }
  throw new Error('expected the configuration to be refused');
}

describe('wrong aliases', () => {
  const connection = (id: string, aliases: string) =>
    `  - id: ${id}\n    idp: { metadata_url: https://idp.example/metadata }\n    subject: { attribute: uid }\n${aliases === '' ? '' : `    group_aliases: ${aliases}\n`}`;

  it.each([
    [
      '{ a: X, b: X, c: a, d: "x*", e: 7 }',
      [
        'bad_value  8:43  connections.0.group_aliases.d  expected an alias without * and ?',
        'wrong_type  8:52  connections.0.group_aliases.e  expected an alias of 1 to 256 characters, received a number',
        'duplicate  8:31  connections.0.group_aliases.b  expected an alias of its own, received "X", which "a" has already',
        'conflict  8:37  connections.0.group_aliases.c  expected an alias that is the name or id of no group here, received "a"',
      ],
    ],
    [
      '[a]',
      [
        'wrong_type  8:20  connections.0.group_aliases  expected a mapping of group names or ids to aliases, received a list',
      ],
    ],
  ])('%s', (aliases, expected) => {
    const text = `${HEAD}connections:\n${connection('acme', aliases)}`;
    expect(problemsOf(text).sort()).toEqual([...expected].sort());
  });

  it('that mean two things in one privileged rule', () => {
    const connections = `connections:\n${connection('acme', '{ id1: Admins }')}${connection('globex', '')}`;
    const rule = (from: string) =>
      `roles:\n  - { role: admin, privileged: true, when: { any_group: [Admins] }, from: [${from}] }\n`;
    expect(problemsOf(`${HEAD}${connections}${rule('acme, globex')}`)).toEqual([
      'conflict  13:58  roles.0.when.any_group.0  expected a group of one meaning, received "Admins", which is an alias at acme and none at globex: write a rule for each',
    ]);
    const origin = { file: 'rollcall.yaml', env: {}, baseDir: '/nowhere' };
    for (const from of ['acme', 'globex']) {
      expect(parseConfig(`${HEAD}${connections}${rule(from)}`, origin).roles).toHaveLength(1);
    }
  });

  it('whose key would be lost, in an object too', () => {
    const lost = JSON.parse('{"__proto__":"x"}') as Record<string, string>;
    const [acme] = ['acme'].map((id) => ({
      id,
      idp: { metadata_url: 'https://idp.example/metadata' },
      subject: { attribute: 'uid' },
      group_aliases: lost,
    }));
    const given = {
      version: 1,
      public_url: 'https://auth.example.com',
      session: { keys: ['env:SESSION_KEY'] },
      connections: [acme],
      roles: [{ role: 'a', when: { any_group: ['A'], attributes: lost } }],
    };
    expect(() => validateConfig(given)).toThrow(
      /connections\.0\.group_aliases {2}the key "__proto__" is not allowed\n.*roles\.0\.when\.attributes {2}the key "__proto__" is not allowed/,
    );
  });
});
