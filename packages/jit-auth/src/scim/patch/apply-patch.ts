import { assignmentsIn, isWritable, requireComplete } from '../resource/read-resource.ts';
import { readAttribute, readList, subEntries } from '../resource/read-value.ts';
import {
  heldAt,
  isSameValue,
  isScimList,
  isScimObject,
  type ScimObject,
  type ScimValue,
  withValue,
} from '../resource/scim-value.ts';
import { sayPath } from '../schema/attribute-path.ts';
import type { ResourceType } from '../schema/schema.ts';
import { badRequest } from '../scim-error.ts';
import type { PatchOperation } from './patch-request.ts';
import { type PatchTarget, readPath } from './patch-target.ts';
import {
  addValues,
  mergeIntoSelected,
  noTarget,
  removeNamed,
  removePart,
  removeSelected,
  replaceSelected,
  setPart,
} from './values.ts';

/** What a PATCH makes of a resource. */
export interface Patched {
  readonly resource: ScimObject;
  /** Whether it is another one than before. */
  readonly changed: boolean;
}

type AttributeTarget = Extract<PatchTarget, { kind: 'attribute' }>;

/**
 * Carries out the operations of a PATCH, one after the other (RFC 7644 §3.5.2). Pure: it
 * makes another resource, so that of an operation that fails nothing is left, nor of
 * those before it. Nothing but the schema names what is written.
 *
 * Beside the letter of the RFC it takes what clients send: a value that a path selects
 * and that does not exist yet is made where the path says enough of it, and `remove` with
 * a list of values takes those away.
 *
 * Throws `invalidPath`, `invalidFilter`, `invalidValue`, `noTarget`, `mutability`.
 */
export function applyPatch(
  resource: ScimObject,
  operations: readonly PatchOperation[],
  type: ResourceType,
): Patched {
  const after = operations.reduce((held, operation) => carryOut(held, operation, type), resource);
  requireComplete(after, type, 'mutability');
  return { resource: after, changed: !isSameValue(resource, after) };
}

function carryOut(resource: ScimObject, operation: PatchOperation, type: ResourceType): ScimObject {
  const { op, path, value } = operation;
  if (op !== 'remove' && value === undefined) {
    throw badRequest('invalidValue', `${op} needs a value.`);
  }
  if (path === null) return carryOutEverywhere(resource, operation, type);
  const target = readPath(path, type);
  if (target.kind === 'extension') {
    if (op === 'remove') return withValue(resource, target.extension.id, undefined);
    const inside = { [target.extension.id]: value };
    return carryOutEverywhere(resource, { op, path: null, value: inside }, type);
  }
  const { attribute, sub } = target;
  if (attribute.mutability === 'readOnly' || sub?.mutability === 'readOnly') {
    throw badRequest('mutability', `${sayPath(target)} is written by this service alone.`);
  }
  return isWritable(target) ? carryOutAt(resource, target, op, value) : resource;
}

/**
 * An operation without a path: its value names the attributes. Those that the type does
 * not know, and those that only the server writes, are passed over: Okta sends `id` when
 * it renames a group.
 */
function carryOutEverywhere(
  resource: ScimObject,
  { op, value }: PatchOperation,
  type: ResourceType,
): ScimObject {
  if (op === 'remove') throw noTarget('remove needs a path.');
  const { selecting, plain } = splitNames(value);
  const named = assignmentsIn(plain, type).reduce(
    (held, { raw, ...path }) =>
      carryOutAt(held, { kind: 'attribute', selection: null, ...path }, op, raw),
    resource,
  );
  return selecting.reduce(
    (held, [path, raw]) => carryOut(held, { op, path, value: raw }, type),
    named,
  );
}

/** Names with brackets are paths: `{ "emails[type eq \"work\"].value": … }`. */
function splitNames(value: unknown): {
  readonly selecting: readonly (readonly [string, unknown])[];
  readonly plain: unknown;
} {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw badRequest('invalidValue', 'Without a path, the value must be an object.');
  }
  const entries = Object.entries(value);
  const selecting = entries.filter(([name]) => name.includes('['));
  const plain = Object.fromEntries(entries.filter(([name]) => !name.includes('[')));
  return { selecting, plain };
}

function carryOutAt(
  resource: ScimObject,
  target: AttributeTarget,
  op: PatchOperation['op'],
  raw: unknown,
): ScimObject {
  const { extension, attribute } = target;
  if (extension !== null) {
    const inner = objectAt(resource, extension.id);
    const next = carryOutAt(inner, { ...target, extension: null }, op, raw);
    return withValue(resource, extension.id, next);
  }
  const next = attribute.multiValued
    ? changeList(resource, target, op, raw)
    : changeSingle(resource, target, op, raw);
  return withValue(resource, attribute.name, next);
}

function changeSingle(
  resource: ScimObject,
  { attribute, sub }: AttributeTarget,
  op: PatchOperation['op'],
  raw: unknown,
): ScimValue | undefined {
  const { name } = attribute;
  if (sub !== null) {
    const part = op === 'remove' ? undefined : readAttribute(sub, raw);
    return withValue(objectAt(resource, name), sub.name, part);
  }
  if (op === 'remove') return undefined;
  const value = readAttribute(attribute, raw);
  const unsaid = raw === null || (Array.isArray(raw) && raw.length === 0);
  if (attribute.type !== 'complex' || typeof raw !== 'object' || unsaid) return value;
  // RFC 7644 §3.5.2.3: parts that are not named stay as they are; null takes one away.
  const gone = new Set(namesOfNulls(attribute, raw));
  const kept = Object.entries(objectAt(resource, name)).filter(([part]) => !gone.has(part));
  return { ...Object.fromEntries(kept), ...(isScimObject(value) ? value : {}) };
}

function namesOfNulls(attribute: AttributeTarget['attribute'], raw: unknown): readonly string[] {
  if (typeof raw !== 'object' || raw === null || Array.isArray(raw)) return [];
  return subEntries(attribute, raw).flatMap(([sub, value]) => (value === null ? [sub.name] : []));
}

function changeList(
  resource: ScimObject,
  { attribute, sub, selection }: AttributeTarget,
  op: PatchOperation['op'],
  raw: unknown,
): readonly ScimValue[] | undefined {
  const value = heldAt(resource, attribute.name);
  const held = isScimList(value) ? value : [];
  if (sub !== null) {
    if (op === 'remove') return removePart(held, selection, sub);
    return setPart(attribute, held, selection, sub, raw);
  }
  const given = raw === undefined ? undefined : readList(attribute, raw);
  if (op === 'remove') {
    if (selection !== null) return removeSelected(held, selection);
    // A list that names nobody takes nobody away: only no list at all means everything.
    return raw === undefined || raw === null ? undefined : removeNamed(held, given ?? []);
  }
  if (selection !== null) {
    const [one] = given ?? [];
    if (one === undefined) return removeSelected(held, selection);
    const put = op === 'add' ? mergeIntoSelected : replaceSelected;
    return put(attribute, held, selection, one);
  }
  return op === 'add' ? addValues(attribute, held, given ?? []) : given;
}

function objectAt(resource: ScimObject, name: string): ScimObject {
  const value = heldAt(resource, name);
  return isScimObject(value) ? value : {};
}
