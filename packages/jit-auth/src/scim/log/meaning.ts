import type { Filter } from '../filter/filter.ts';
import { parseFilter } from '../filter/parse-filter.ts';
import { findByName } from '../schema/attribute-path.ts';
import { GROUP } from '../schema/group.ts';
import type { ResourceType } from '../schema/schema.ts';
import { USER } from '../schema/user.ts';
import { meaningOfGroupPatch, meaningOfUserPatch } from './patch-meaning.ts';
import { fieldOf, listed, membersNamed, nameIn, saysActive } from './words.ts';

/** A request as it came, below the base address. */
export interface AskedRequest {
  readonly method: string;
  readonly path: string;
  readonly query: ReadonlyMap<string, string>;
  readonly body: unknown;
}

/**
 * What a request was meant to do, in a sentence for the provisioning log: names of
 * attributes of the schema and numbers, and no value that the client sent. What became of
 * it is said by the status. Pure; never throws.
 *
 * @param answer the body that it was answered with; null where there was none.
 */
export function meaningOf(request: AskedRequest, answer: object | null): string {
  const parts = request.path.split('/').filter((part) => part !== '');
  const [head = '', id] = parts;
  if (id === '.search' || head === '.search')
    return `${searchSentence(head, request)}${foundIn(answer)}.`;
  const type = head === 'Users' ? USER : head === 'Groups' ? GROUP : null;
  if (type !== null) {
    return id === undefined ? ofAll(type, request, answer) : ofOne(type, request);
  }
  if (head === 'Bulk') return bulkSentence(request.body, answer);
  return DISCOVERY[head] ?? 'Asks for what is not there.';
}

const DISCOVERY: Readonly<Record<string, string>> = {
  ServiceProviderConfig: 'Asks what this service can do.',
  ResourceTypes: 'Asks which types of resources there are.',
  Schemas: 'Asks which attributes there are.',
  Me: 'Asks who it is itself.',
};

function ofAll(
  type: ResourceType,
  { method, query, body }: AskedRequest,
  answer: object | null,
): string {
  if (method === 'GET') return `${listSentence(type, query.get('filter'))}${foundIn(answer)}.`;
  if (method !== 'POST') return 'Asks for what this address does not take.';
  if (type === GROUP) return `Creates a group${membersNamed(body)}.`;
  return saysActive(body) === false ? 'Creates a user without access.' : 'Creates a user.';
}

function ofOne(type: ResourceType, { method, body }: AskedRequest): string {
  const what = nameIn(type);
  switch (method) {
    case 'GET':
      return `Reads the ${what}.`;
    case 'DELETE':
      return type === USER ? 'Deletes the user: access ends.' : 'Deletes the group.';
    case 'PATCH':
      return type === USER ? meaningOfUserPatch(body) : meaningOfGroupPatch(body);
    case 'PUT':
      return type === GROUP ? `Replaces the group${membersNamed(body)}.` : putSentence(body);
    default:
      return 'Asks for what this address does not take.';
  }
}

function putSentence(body: unknown): string {
  const active = saysActive(body);
  if (active === false) return 'Replaces the user, without access: access ends.';
  return active === true ? 'Replaces the user, with access.' : 'Replaces the user.';
}

function searchSentence(head: string, { body }: AskedRequest): string {
  const filter = fieldOf(body, 'filter');
  const text = typeof filter === 'string' ? filter : undefined;
  if (head === '.search') return text === undefined ? 'Lists everything' : 'Searches everything';
  return listSentence(head === 'Groups' ? GROUP : USER, text);
}

function listSentence(type: ResourceType, filter: string | undefined): string {
  const what = `${nameIn(type)}s`;
  if (filter === undefined) return `Lists ${what}`;
  const names = namesAsked(filter, type);
  if (names === null) return `Looks for ${what} by a filter that cannot be read`;
  return `Looks for ${what} by ${listed(names)}`;
}

/** The attributes that a filter asks of; null where it cannot be read. */
function namesAsked(text: string, type: ResourceType): readonly string[] | null {
  try {
    return namesIn(parseFilter(text), type);
  } catch {
    return null;
  }
}

function namesIn(filter: Filter, type: ResourceType): readonly string[] {
  switch (filter.kind) {
    case 'and':
    case 'or':
      return filter.parts.flatMap((part) => namesIn(part, type));
    case 'not':
      return namesIn(filter.of, type);
    case 'test':
    case 'element': {
      const found = findByName(type, filter.name);
      if (found === null) return ['an attribute that is none'];
      return [found.kind === 'extension' ? 'an extension' : found.attribute.name];
    }
    default:
      return filter satisfies never;
  }
}

function foundIn(answer: object | null): string {
  const total = fieldOf(answer, 'totalResults');
  return typeof total === 'number' ? `: ${total} found` : '';
}

function bulkSentence(body: unknown, answer: object | null): string {
  const operations = fieldOf(body, 'operations');
  if (!Array.isArray(operations)) return 'Does several things at once that cannot be read.';
  const results = fieldOf(answer, 'operations');
  const done: readonly unknown[] = Array.isArray(results) ? results : [];
  const failed = done.filter((one) => Number(fieldOf(one, 'status')) >= 400).length;
  const outcome = answer === null ? '' : `: ${done.length - failed} carried out, ${failed} refused`;
  return `Does ${operations.length === 1 ? '1 thing' : `${operations.length} things`} at once${outcome}.`;
}
