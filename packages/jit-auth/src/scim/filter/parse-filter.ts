import { badRequest, type ScimType } from '../scim-error.ts';
import {
  COMPARISONS,
  type Comparison,
  FILTER_LIMITS,
  type Filter,
  type Literal,
  type Test,
} from './filter.ts';
import { malformed, type Token, tokensOf } from './tokens.ts';

/** RFC 8259 §6. */
const NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/;
/**
 * RFC 7644 §3.4.2.2 `attrPath`, and `$ref`. A URN holds colons and dots, so what a name
 * means is for the schema to say.
 */
const NAME = /^(?:[A-Za-z$][\w.$:/#-]*)$/;
const SUB_NAME = /^\.[A-Za-z$][\w-]*$/;
const OPERATORS: ReadonlySet<string> = new Set(COMPARISONS);

/**
 * Reads a filter (RFC 7644 §3.4.2.2): the whole grammar, and beside it what clients send
 * that the grammar lacks: `emails[type eq "work"].value eq "x"`, and literals in any case.
 * Pure. Throws `invalidFilter` for what it cannot read, and for what is too long, too
 * deep or has too many parts: then nothing of it has been looked at.
 */
export function parseFilter(text: string): Filter {
  const parser = new FilterParser(tokensWithin(text, 'invalidFilter'), 'invalidFilter');
  const filter = parser.readFilter();
  parser.requireEnd();
  return filter;
}

/** The tokens of a text that is not too long. Throws as {@link tokensOf}. */
export function tokensWithin(text: string, scimType: ScimType): readonly Token[] {
  if (text.length > FILTER_LIMITS.length) {
    throw badRequest(scimType, `It is longer than ${FILTER_LIMITS.length} characters.`);
  }
  return tokensOf(text, scimType);
}

/** Reads tokens from left to right, one call deep for each bracket. */
export class FilterParser {
  readonly #tokens: readonly Token[];
  readonly #scimType: ScimType;
  #next = 0;
  #nodes = 0;
  #depth = 0;

  constructor(tokens: readonly Token[], scimType: ScimType) {
    this.#tokens = tokens;
    this.#scimType = scimType;
  }

  /** `FILTER`: `and` binds more tightly than `or`. */
  readFilter(): Filter {
    return this.#readParts('or', () => this.#readParts('and', () => this.#readTerm()));
  }

  /** A name that is next, with its place. Throws where none is. */
  readName(): { readonly name: string; readonly at: number } {
    const token = this.#take('a name');
    if (token.kind !== 'word' || !NAME.test(token.text)) throw this.#unexpected(token, 'a name');
    return { name: token.text, at: token.at };
  }

  /** The filter in brackets that is next; null where no bracket is. */
  readBrackets(): Filter | null {
    if (this.#peek()?.kind !== '[') return null;
    this.#next += 1;
    const where = this.#deeper(() => this.readFilter());
    this.#require(']');
    return where;
  }

  /** The `.name` that is next, without its dot; null where none is. */
  readSubName(): string | null {
    const token = this.#peek();
    if (token?.kind !== 'word' || !SUB_NAME.test(token.text)) return null;
    this.#next += 1;
    return token.text.slice(1);
  }

  /** Throws where anything is left. */
  requireEnd(): void {
    const token = this.#peek();
    if (token !== undefined) throw this.#unexpected(token, 'the end');
  }

  #readParts(word: 'and' | 'or', readPart: () => Filter): Filter {
    const first = readPart();
    const parts = [first];
    while (this.#takeWord(word)) parts.push(readPart());
    if (parts.length === 1) return first;
    this.#count();
    return { kind: word, parts };
  }

  #readTerm(): Filter {
    if (this.#peek()?.kind === '(') return this.#readGroup();
    if (this.#peekWord() === 'not' && this.#tokens[this.#next + 1]?.kind === '(') {
      this.#next += 1;
      this.#count();
      return { kind: 'not', of: this.#deeper(() => this.#readGroup()) };
    }
    return this.#readTest();
  }

  #readGroup(): Filter {
    this.#require('(');
    const filter = this.#deeper(() => this.readFilter());
    this.#require(')');
    return filter;
  }

  #readTest(): Filter {
    const { name } = this.readName();
    this.#count();
    const where = this.readBrackets();
    if (where === null) return { kind: 'test', name, test: this.#readComparison() };
    const sub = this.readSubName();
    if (sub === null) return { kind: 'element', name, where };
    // Both are asked of the same value, so it is one question.
    this.#count();
    const test: Filter = { kind: 'test', name: sub, test: this.#readComparison() };
    return { kind: 'element', name, where: { kind: 'and', parts: [where, test] } };
  }

  #readComparison(): Test {
    const token = this.#take('an operator');
    const op = token.kind === 'word' ? token.text.toLowerCase() : '';
    if (op === 'pr') return { op };
    if (!OPERATORS.has(op)) throw this.#unexpected(token, 'an operator');
    return { op: op as Comparison, literal: this.#readLiteral() };
  }

  #readLiteral(): Literal {
    const token = this.#take('a value');
    if (token.kind === 'string') return { type: 'string', value: token.value };
    if (token.kind !== 'word') throw this.#unexpected(token, 'a value');
    const { text } = token;
    if (NUMBER.test(text)) return { type: 'number', value: Number(text), text };
    switch (text.toLowerCase()) {
      case 'true':
        return { type: 'boolean', value: true };
      case 'false':
        return { type: 'boolean', value: false };
      case 'null':
        return { type: 'null' };
      default:
        throw this.#unexpected(token, 'a value: a string in quotes, a number, true, false or null');
    }
  }

  #deeper<T>(read: () => T): T {
    this.#depth += 1;
    if (this.#depth > FILTER_LIMITS.depth) {
      throw badRequest(this.#scimType, `It is nested more than ${FILTER_LIMITS.depth} deep.`);
    }
    const result = read();
    this.#depth -= 1;
    return result;
  }

  #count(): void {
    this.#nodes += 1;
    if (this.#nodes > FILTER_LIMITS.nodes) {
      throw badRequest(this.#scimType, `It has more than ${FILTER_LIMITS.nodes} parts.`);
    }
  }

  #peek(): Token | undefined {
    return this.#tokens[this.#next];
  }

  #peekWord(): string | null {
    const token = this.#peek();
    return token?.kind === 'word' ? token.text.toLowerCase() : null;
  }

  #takeWord(word: string): boolean {
    if (this.#peekWord() !== word) return false;
    this.#next += 1;
    return true;
  }

  #take(expected: string): Token {
    const token = this.#peek();
    if (token === undefined) {
      throw badRequest(this.#scimType, `It ends where ${expected} was expected.`);
    }
    this.#next += 1;
    return token;
  }

  #require(kind: Token['kind']): void {
    const token = this.#take(kind);
    if (token.kind !== kind) throw this.#unexpected(token, kind);
  }

  #unexpected(token: Token, expected: string): Error {
    return malformed(this.#scimType, token.at, `expected ${expected}`);
  }
}
