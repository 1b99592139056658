import * as z from 'zod';
import { SamlRefusal, type SamlRefusalCode } from './refusal.ts';
import { verifierFailed } from './second-opinion.ts';
import type { SecondReading } from './second-verifier.ts';

/** What a thread says of the question that it was asked. */
export type ThreadAnswer =
  | { readonly kind: 'reading'; readonly reading: SecondReading }
  | {
      readonly kind: 'refused';
      readonly code: SamlRefusalCode;
      readonly expected: string;
      readonly received: string;
    }
  | { readonly kind: 'failed'; readonly why: string };

/**
 * The envelope alone: what a reading holds is judged by `requireAgreement`, which takes
 * nothing but what the first verifier read as well. Any other code refuses just the same.
 */
const answers = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('reading'),
    reading: z.strictObject({ envelope: z.unknown(), assertion: z.looseObject({}) }),
  }),
  z.strictObject({
    kind: z.literal('refused'),
    code: z.string().regex(/^saml\.[a-z_]+$/),
    expected: z.string(),
    received: z.string(),
  }),
  z.strictObject({ kind: z.literal('failed'), why: z.string() }),
]);

/** The reading in a message of a thread. Throws where it holds a refusal, a failure or neither. */
export function readingIn(message: unknown): SecondReading {
  const parsed = answers.safeParse(message);
  if (!parsed.success) throw verifierFailed('a message that is none');
  const answer = parsed.data;
  if (answer.kind === 'failed') throw verifierFailed(answer.why);
  if (answer.kind === 'reading') return (message as { reading: SecondReading }).reading;
  const { expected, received } = answer;
  throw new SamlRefusal(answer.code as SamlRefusalCode, { expected, received });
}
