/** RFC 7643 §2.3. */
export type AttributeType =
  | 'string'
  | 'boolean'
  | 'decimal'
  | 'integer'
  | 'dateTime'
  | 'reference'
  | 'binary'
  | 'complex';

/** An attribute with its characteristics (RFC 7643 §2.2 and §7). */
export interface Attribute {
  readonly name: string;
  readonly type: AttributeType;
  readonly multiValued: boolean;
  readonly description: string;
  readonly required: boolean;
  readonly caseExact: boolean;
  readonly mutability: 'readOnly' | 'readWrite' | 'immutable' | 'writeOnly';
  readonly returned: 'always' | 'never' | 'default' | 'request';
  readonly uniqueness: 'none' | 'server' | 'global';
  readonly canonicalValues?: readonly string[];
  readonly referenceTypes?: readonly string[];
  /** Empty but where the type is `complex`. */
  readonly subAttributes: readonly Attribute[];
}

type Characteristics = Partial<Omit<Attribute, 'name' | 'description'>>;

/** An attribute: where nothing else is said, one readable and writable string (RFC 7643 §2.2). */
export function attribute(
  name: string,
  description: string,
  characteristics: Characteristics = {},
): Attribute {
  return {
    name,
    type: 'string',
    multiValued: false,
    description,
    required: false,
    caseExact: false,
    mutability: 'readWrite',
    returned: 'default',
    uniqueness: 'none',
    subAttributes: [],
    ...characteristics,
  };
}

/** A complex attribute with the sub-attributes given. */
export function complex(
  name: string,
  description: string,
  subAttributes: readonly Attribute[],
  characteristics: Characteristics = {},
): Attribute {
  return attribute(name, description, { type: 'complex', subAttributes, ...characteristics });
}

/** A multi-valued attribute with the usual sub-attributes (RFC 7643 §2.4). */
export function plural(
  name: string,
  description: string,
  {
    value,
    types = [],
  }: { readonly value?: Characteristics; readonly types?: readonly string[] } = {},
): Attribute {
  const kinds = types.length === 0 ? {} : { canonicalValues: types };
  const subAttributes = [
    attribute('value', 'The value itself.', value ?? {}),
    attribute('display', 'How people read the value.'),
    attribute('type', 'What the value is for.', kinds),
    attribute('primary', 'Whether the value is the preferred one; at most one is.', {
      type: 'boolean',
    }),
  ];
  return complex(name, description, subAttributes, { multiValued: true });
}

/** The sub-attribute of this name, whatever its case (RFC 7643 §2.1), or null. */
export function subAttributeOf(attribute: Attribute, name: string): Attribute | null {
  const wanted = name.toLowerCase();
  return attribute.subAttributes.find((sub) => sub.name.toLowerCase() === wanted) ?? null;
}
