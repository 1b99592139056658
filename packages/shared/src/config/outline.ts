import * as z from 'zod';

const text = z.string().optional().catch(undefined);
const texts = z.array(z.string().catch('')).optional().catch(undefined);
// A missing key has to pass as well.
const anything = z.unknown().optional();

const onePattern = z.union([z.string(), z.object({ re2: z.string() })]).catch('');
const patterns = z.array(onePattern).optional().catch(undefined);
const conditions = z
  .record(z.string(), z.union([z.array(onePattern), onePattern.transform((one) => [one])]))
  .optional()
  .catch(undefined);

const connection = z
  .object({
    id: text,
    preset: text,
    domains: texts,
    group_aliases: z.record(z.string(), z.string().catch('')).optional().catch(undefined),
    subject: anything,
    directory: z.object({ type: text }).optional().catch(undefined),
    sweep: anything,
    signed: text,
    encryption: text,
    weak_algorithms: texts,
    keys: z.object({ signing: texts, decryption: texts }).optional().catch(undefined),
    sign_requests: text,
    idp_initiated: z.boolean().optional().catch(undefined),
    force_authn: z.boolean().optional().catch(undefined),
  })
  // No mapping at all: that it has no subject is then not worth saying.
  .catch({ subject: null });

const rule = z
  .object({
    role: text,
    privileged: z.boolean().optional().catch(undefined),
    when: z
      .object({ any_group: patterns, all_groups: texts, attributes: conditions })
      .optional()
      .catch(undefined),
    from: texts,
  })
  .catch({});

const outline = z
  .object({
    session: z.object({ idle: text, max: text }).catch({}).default({}),
    saml: z.object({ signing: texts, decryption: texts }).optional().catch(undefined),
    login: z.object({ show_connections: anything }).optional().catch(undefined),
    connections: z.array(connection).catch([]).default([]),
    roles: z.array(rule).catch([]).default([]),
    default_role: text,
    protect: texts,
  })
  .catch({ session: {}, connections: [], roles: [] });

/**
 * What can be made out of a configuration that may be wrong in any part: enough
 * to check how its parts fit, so that one wrong value hides no other problem.
 */
export type Outline = z.output<typeof outline>;
export type OutlineConnection = Outline['connections'][number];
export type OutlineRule = Outline['roles'][number];

/** Reads the outline. Never fails: what is not readable is not there. */
export function outlineOf(input: unknown): Outline {
  return outline.parse(input);
}
