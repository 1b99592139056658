import { X509Certificate } from 'node:crypto';
import { resolve } from 'node:path';
import * as z from 'zod';
import { readFileText } from '../file-text.ts';
import { duration, flag, list, mapping, name, type Reading, textAs } from './fields.ts';
import { filePath } from './references.ts';
import { webUrl } from './urls.ts';

/** Where the keys and addresses of an IdP come from. */
export type IdpConfig =
  | {
      readonly kind: 'metadata_url';
      readonly url: string;
      /** How often it is fetched again, in milliseconds. */
      readonly refreshMs: number;
      /** How long old and new certificates are both trusted, in milliseconds. */
      readonly overlapMs: number;
      /** PEM: whose keys must have signed the metadata; empty where nothing must. */
      readonly pins: readonly string[];
      /** Whether it may be on an address of this machine or of a private network. */
      readonly allowPrivateAddress: boolean;
    }
  /** Absolute path; read again when it has changed. */
  | {
      readonly kind: 'metadata_file';
      readonly path: string;
      readonly refreshMs: number;
      readonly pins: readonly string[];
    }
  | { readonly kind: 'metadata'; readonly xml: string }
  | {
      readonly kind: 'manual';
      readonly entityId: string;
      readonly ssoUrl: string;
      readonly sloUrl: string | null;
      /** PEM, one certificate each, at least one. */
      readonly certificates: readonly string[];
    };

const USUAL_REFRESH_MS = 60 * 60_000;
/**
 * Identity providers that announce a new key ahead name both meanwhile. The others
 * begin to sign with it as they name it: a day covers what is on its way and caches,
 * and is as long as a stolen key is to be believed.
 */
const USUAL_OVERLAP_MS = 24 * 60 * 60_000;

/** Keys that only make sense beside some of the forms. */
const BESIDE: Readonly<Record<string, readonly string[]>> = {
  refresh: ['metadata_url', 'metadata_file'],
  pin: ['metadata_url', 'metadata_file'],
  overlap: ['metadata_url'],
  allow_private_address: ['metadata_url'],
};

const FORMS = ['metadata_url', 'metadata_file', 'metadata', 'entity_id'] as const;
const FORMS_IN_WORDS =
  'exactly one of metadata_url, metadata_file, metadata, or entity_id with sso_url and certs';

/** The idp part of a connection: exactly one of four forms. */
export function idpSchema(baseDir: string) {
  const shape = {
    metadata_url: webUrl().optional(),
    metadata_file: filePath(baseDir).optional(),
    metadata: inlineMetadata().optional(),
    entity_id: name('an entity id', 1024).optional(),
    sso_url: webUrl().optional(),
    slo_url: webUrl().optional(),
    certs: list(certificate(baseDir), 'a list of certificates', 1).optional(),
    refresh: duration('5s', '1d').optional(),
    overlap: duration('0s', '30d').optional(),
    pin: list(certificate(baseDir), 'a list of certificates', 1).optional(),
    allow_private_address: flag().optional(),
  };
  return mapping(shape)
    .check(
      z.superRefine(
        (idp, context) => {
          for (const fault of faultsOf(idp)) {
            const { message, path, code } = fault;
            context.addIssue({ code: 'custom', message, path, params: { code } });
          }
        },
        // Also where single keys are wrong, so that every problem is reported at once.
        { when: ({ value }) => typeof value === 'object' && value !== null },
      ),
    )
    .transform((idp, context): IdpConfig => {
      const { entity_id: entityId, sso_url: ssoUrl, slo_url: sloUrl, certs } = idp;
      const kept = { refreshMs: idp.refresh ?? USUAL_REFRESH_MS, pins: idp.pin ?? [] };
      if (idp.metadata_url !== undefined) {
        const overlapMs = idp.overlap ?? USUAL_OVERLAP_MS;
        const allowPrivateAddress = idp.allow_private_address ?? false;
        return {
          kind: 'metadata_url',
          url: idp.metadata_url,
          ...kept,
          overlapMs,
          allowPrivateAddress,
        };
      }
      if (idp.metadata_file !== undefined) {
        return { kind: 'metadata_file', path: idp.metadata_file, ...kept };
      }
      if (idp.metadata !== undefined) return { kind: 'metadata', xml: idp.metadata };
      if (entityId !== undefined && ssoUrl !== undefined && certs !== undefined) {
        return { kind: 'manual', entityId, ssoUrl, sloUrl: sloUrl ?? null, certificates: certs };
      }
      context.issues.push({ code: 'custom', input: undefined, message: FORMS_IN_WORDS });
      return z.NEVER;
    });
}

interface Fault {
  readonly message: string;
  readonly path: string[];
  readonly code: 'config.conflict' | 'config.missing';
}

function faultsOf(idp: object): Fault[] {
  const given = FORMS.filter((form) => Object.hasOwn(idp, form));
  const manual = ['sso_url', 'slo_url', 'certs'].filter((key) => Object.hasOwn(idp, key));
  if (given.length > 1) {
    const message = `expected ${FORMS_IN_WORDS}, received ${given.join(' and ')}`;
    return [{ message, path: [], code: 'config.conflict' }];
  }
  if (given.length === 0 && manual.length === 0) {
    return [{ message: `expected ${FORMS_IN_WORDS}`, path: [], code: 'config.missing' }];
  }
  const misplaced = misplacedBeside(idp, given[0] ?? 'entity_id');
  if (given.length === 1 && given[0] !== 'entity_id') {
    const said = manual.map(
      (key): Fault => ({
        message: `expected no ${key} beside ${given[0]}: the metadata says it`,
        path: [key],
        code: 'config.conflict',
      }),
    );
    return [...said, ...misplaced];
  }
  return [...misplaced, ...missingByHand(idp)];
}

function misplacedBeside(idp: object, form: string): Fault[] {
  return Object.entries(BESIDE)
    .filter(([key, forms]) => Object.hasOwn(idp, key) && !forms.includes(form))
    .map(([key, forms]) => ({
      message: `expected no ${key} beside ${form}: it belongs to ${forms.join(' and ')}`,
      path: [key],
      code: 'config.conflict',
    }));
}

function missingByHand(idp: object): Fault[] {
  return ['entity_id', 'sso_url', 'certs']
    .filter((key) => !Object.hasOwn(idp, key))
    .map((key) => ({
      message: 'is missing: entity_id, sso_url and certs belong together',
      path: [key],
      code: 'config.missing',
    }));
}

function inlineMetadata() {
  return textAs('SAML metadata (XML)', (text) =>
    text.trimStart().startsWith('<')
      ? { ok: true, value: text }
      : { ok: false, wrong: 'expected SAML metadata (XML), which begins with "<"' },
  );
}

const MAX_CERTIFICATE_BYTES = 64 * 1024;
const CERTIFICATE_FORM = 'a certificate: file:/path or PEM (-----BEGIN CERTIFICATE-----)';

/** Certificates are public: they may stand in the file. Gives PEM. */
function certificate(baseDir: string) {
  return textAs(CERTIFICATE_FORM, (text) => readCertificate(text, baseDir));
}

function readCertificate(text: string, baseDir: string): Reading<string> {
  if (!text.startsWith('file:')) return parsePem(text);
  const path = resolve(baseDir, text.slice('file:'.length));
  const file = readFileText(path, MAX_CERTIFICATE_BYTES);
  return file.ok ? parsePem(file.text) : bad(`cannot be read: ${file.why}`);
}

function parsePem(pem: string): Reading<string> {
  // Someone may paste the wrong file: the message must not repeat it.
  if (pem.includes('PRIVATE KEY')) return bad('holds a private key: expected only the certificate');
  const count = pem.split('-----BEGIN CERTIFICATE-----').length - 1;
  if (count === 0) return bad(`expected ${CERTIFICATE_FORM}`);
  if (count > 1) return bad(`expected one certificate in each entry, received ${count} in one`);
  try {
    return { ok: true, value: new X509Certificate(pem).toString() };
  } catch {
    return bad('is malformed: expected an X.509 certificate in PEM');
  }
}

function bad(wrong: string): Reading<string> & { readonly ok: false } {
  return { ok: false, wrong, code: 'config.bad_certificate' };
}
