import type { Attribute } from '../schema/attribute.ts';
import type { Comparison } from './filter.ts';

/** What a value is compared with, as the type of the attribute has it. */
export type Operand = string | number | boolean;

/** A question about one value. Strings without case are in one case already. */
export type BoundTest =
  | { readonly op: 'pr' }
  /** Whether there is no value (RFC 7643 §2.5: null says that). */
  | { readonly op: 'absent' }
  | { readonly op: Comparison; readonly operand: Operand };

/**
 * A filter whose names have been looked up in the schema. What it is evaluated over, a
 * resource or one value of a multi-valued attribute, is called the scope.
 */
export type BoundFilter =
  | { readonly kind: 'and' | 'or'; readonly parts: readonly BoundFilter[] }
  | { readonly kind: 'not'; readonly of: BoundFilter }
  | {
      readonly kind: 'test';
      /** From the scope to the value; empty: the scope itself. */
      readonly path: readonly string[];
      readonly attribute: Attribute;
      readonly test: BoundTest;
    }
  | {
      readonly kind: 'element';
      /** From the scope to the list. */
      readonly path: readonly string[];
      readonly attribute: Attribute;
      /** What one of the values has to satisfy; null: that there is one. */
      readonly where: BoundFilter | null;
    };
