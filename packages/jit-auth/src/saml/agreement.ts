import { isDeepStrictEqual } from 'node:util';
import { SamlRefusal } from './refusal.ts';
import type { ResponseFacts } from './response-facts.ts';

/**
 * Two parsers, two canonicalizers, one meaning: everything that two verifiers
 * read of a response must be equal. Throws `saml.verifiers_disagree`.
 */
export function requireAgreement(first: ResponseFacts, second: ResponseFacts): void {
  for (const part of ['envelope', 'assertion'] as const) {
    if (isDeepStrictEqual(unifyLineEnds(first[part]), unifyLineEnds(second[part]))) continue;
    throw new SamlRefusal('saml.verifiers_disagree', {
      expected: first[part].id,
      received: second[part].id,
      part,
    });
  }
}

/**
 * node-saml writes the signed element out once more and forgets to escape
 * carriage returns, which its parser then takes for line ends. They are the one
 * difference that is overlooked; what is used is what the first verifier read.
 */
function unifyLineEnds(value: unknown): unknown {
  if (typeof value === 'string') return value.replaceAll(/\r\n?/g, '\n');
  if (Array.isArray(value)) return value.map(unifyLineEnds);
  if (value instanceof Map) {
    return new Map([...value].map(([key, inside]) => [unifyLineEnds(key), unifyLineEnds(inside)]));
  }
  if (typeof value !== 'object' || value === null) return value;
  return Object.entries(value).map(([key, inside]) => [key, unifyLineEnds(inside)]);
}
