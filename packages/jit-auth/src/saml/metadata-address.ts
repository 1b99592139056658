import type { LookupFunction } from 'node:net';
import {
  type AddressRule,
  guardedLookup,
  type Resolver,
} from '@rollcall/shared/http/public-address';
import { metadataError } from './metadata-error.ts';

/**
 * The look-up of an identity provider's host.
 * Throws, and answers with, `saml.metadata_private_address`.
 */
export function lookupOfProvider(url: URL, rule: AddressRule, resolve?: Resolver): LookupFunction {
  return guardedLookup(url, rule, notAllowed, resolve);
}

function notAllowed(hostname: string, address: string): Error {
  const expected = `a public address of ${hostname}, or allow_private_address: true`;
  return metadataError('saml.metadata_private_address', expected, address);
}
