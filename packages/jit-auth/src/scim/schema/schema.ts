import type { Attribute } from './attribute.ts';

/** A schema (RFC 7643 §7). */
export interface Schema {
  /** The URN. */
  readonly id: string;
  readonly name: string;
  readonly description: string;
  readonly attributes: readonly Attribute[];
}

/** A kind of resource (RFC 7643 §6): its schema, those that extend it, where it is. */
export interface ResourceType {
  readonly name: 'User' | 'Group';
  readonly description: string;
  /** Below the base address. */
  readonly endpoint: string;
  readonly schema: Schema;
  readonly extensions: readonly Schema[];
}
