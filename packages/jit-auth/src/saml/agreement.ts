import { isDeepStrictEqual } from 'node:util';
import { SamlRefusal } from './refusal.ts';
import type { ResponseFacts } from './response-facts.ts';
import type { SecondReading } from './second-verifier.ts';

/**
 * Two parsers, two canonicalizers, one meaning: everything that two verifiers
 * read of what is signed must be equal. Throws `saml.verifiers_disagree`.
 */
export function requireAgreement(first: ResponseFacts, second: SecondReading): void {
  for (const part of ['envelope', 'assertion'] as const) {
    const other = second[part];
    if (part === 'envelope' && other === null && !first.signed.response) continue;
    if (isDeepStrictEqual(unifyLineEnds(first[part]), unifyLineEnds(other))) continue;
    throw new SamlRefusal('saml.verifiers_disagree', {
      expected: first[part].id,
      received: other?.id ?? null,
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
