/** RFC 7644 §3.4.2.2 table 3. `pr` stands apart: it compares with nothing. */
export const COMPARISONS = ['eq', 'ne', 'co', 'sw', 'ew', 'gt', 'ge', 'lt', 'le'] as const;
export type Comparison = (typeof COMPARISONS)[number];

/** What an attribute is compared with. A number keeps how it was written. */
export type Literal =
  | { readonly type: 'string'; readonly value: string }
  | { readonly type: 'number'; readonly value: number; readonly text: string }
  | { readonly type: 'boolean'; readonly value: boolean }
  | { readonly type: 'null' };

/** What is asked of one attribute. */
export type Test = { readonly op: 'pr' } | { readonly op: Comparison; readonly literal: Literal };

/** A filter as it was written: names are not looked up yet. */
export type Filter =
  | { readonly kind: 'and' | 'or'; readonly parts: readonly Filter[] }
  | { readonly kind: 'not'; readonly of: Filter }
  | { readonly kind: 'test'; readonly name: string; readonly test: Test }
  /** `emails[type eq "work"]`: one and the same value has to satisfy the filter. */
  | { readonly kind: 'element'; readonly name: string; readonly where: Filter };

/** What a filter may cost before it is looked at (RFC 7644 §7.7 leaves it to the server). */
export const FILTER_LIMITS = {
  /** In UTF-16 units. */
  length: 4_096,
  /** Parentheses, brackets and negations inside each other. */
  depth: 16,
  /** Tests and connectives together. */
  nodes: 200,
} as const;
