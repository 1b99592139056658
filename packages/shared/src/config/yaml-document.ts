import {
  type Document,
  isAlias,
  isMap,
  isNode,
  isScalar,
  isSeq,
  LineCounter,
  parseDocument,
  visit,
  type YAMLError,
} from 'yaml';
import type { Finding } from './issues.ts';

/** The keys and indexes that lead to a value. */
export type KeyPath = readonly (string | number)[];

/** A place in a file, both 1-based. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

/** A finding of the YAML parser: it knows its place already. */
export interface PlacedFinding extends Finding {
  readonly position: Position;
}

/** A YAML file as plain data that knows where each part of it is written. */
export interface YamlSource {
  readonly value: unknown;
  /** The place of a value (of its key, with `atKey`); of the nearest parent where it is missing. */
  positionOf(path: KeyPath, atKey: boolean): Position;
}

export type YamlReading =
  | { readonly ok: true; readonly source: YamlSource }
  | { readonly ok: false; readonly findings: readonly PlacedFinding[] };

// A few aliases are tidy; nested ones grow exponentially ("billion laughs").
const MAX_ALIASES = 50;
// One slip makes the parser stumble on: what comes later says little.
const MAX_SYNTAX_FINDINGS = 5;
const START: Position = { line: 1, column: 1 };

/**
 * Parses one YAML 1.2 document. The sentences are ours, because the parser's
 * own quote the file, and a file that is wrong may hold a secret in the wrong place.
 */
export function parseYaml(text: string): YamlReading {
  const lines = new LineCounter();
  try {
    return readDocument(text, lines);
  } catch (error) {
    // Nesting beyond the stack, or aliases beyond the limit inside `toJS`.
    if (!(error instanceof RangeError || error instanceof ReferenceError)) throw error;
    return refuse('is nested too deeply or repeats itself too often through aliases');
  }
}

function readDocument(text: string, lines: LineCounter): YamlReading {
  const document = parseDocument(text, {
    lineCounter: lines,
    prettyErrors: false,
    // 'silent' would also hide that a second document begins.
    logLevel: 'error',
    version: '1.2',
    merge: false,
  });
  const at = (offset: number) => positionAt(lines, offset);
  const faults = [...document.errors, ...document.warnings].slice(0, MAX_SYNTAX_FINDINGS);
  const findings = faults.map((fault) => describe(fault, text, at));
  if (findings.length === 0) findings.push(...refuseNodes(document, at));
  if (findings.length > 0) return { ok: false, findings };
  if (
    document.contents === null ||
    (isScalar(document.contents) && document.contents.value === null)
  ) {
    return refuse('the file is empty: expected at least "version: 1"', 'config.empty');
  }
  const value: unknown = document.toJS({ maxAliasCount: MAX_ALIASES });
  const positionOf = (path: KeyPath, atKey: boolean) => at(offsetOf(document, path, atKey));
  return { ok: true, source: { value, positionOf } };
}

function refuse(message: string, code: Finding['code'] = 'config.syntax'): YamlReading {
  return { ok: false, findings: [{ path: [], message, code, position: START }] };
}

function positionAt(lines: LineCounter, offset: number): Position {
  const { line, col } = lines.linePos(offset);
  return { line: Math.max(line, 1), column: Math.max(col, 1) };
}

/** Keys that are no plain names, and too many aliases. */
function refuseNodes(document: Document, at: (offset: number) => Position): PlacedFinding[] {
  const findings: PlacedFinding[] = [];
  let aliases = 0;
  const report = (offset: number | undefined, message: string) =>
    findings.push({ path: [], message, code: 'config.syntax', position: at(offset ?? 0) });
  visit(document, {
    Alias: (_key, alias) => {
      aliases++;
      if (aliases === MAX_ALIASES + 1) {
        report(alias.range?.[0], `expected at most ${MAX_ALIASES} aliases in the file`);
      } else if (aliases <= MAX_ALIASES && alias.resolve(document) === undefined) {
        report(alias.range?.[0], NO_ANCHOR);
      }
    },
    Pair: (_key, pair) => {
      const offset = isNode(pair.key) ? pair.key.range?.[0] : undefined;
      if (!isScalar(pair.key) || typeof pair.key.value !== 'string') {
        report(offset, 'expected every key to be a plain name (quote it where it is a number)');
      } else if (pair.key.value === '__proto__') {
        report(offset, 'the key "__proto__" is not allowed');
      }
    },
  });
  return findings;
}

function offsetOf(document: Document, path: KeyPath, atKey: boolean): number {
  let node: unknown = document.contents;
  let offset = startOf(node) ?? 0;
  for (const [index, key] of path.entries()) {
    const container = isAlias(node) ? node.resolve(document) : node;
    const keyOnly = atKey && index === path.length - 1;
    const next = childOf(container, key, keyOnly);
    if (next === undefined) break;
    offset = startOf(next) ?? offset;
    node = next;
  }
  return offset;
}

/** The node under a key. A key with nothing behind it is found at the key itself. */
function childOf(container: unknown, key: string | number, keyOnly: boolean): unknown {
  if (isSeq(container)) return typeof key === 'number' ? container.items[key] : undefined;
  if (!isMap(container)) return undefined;
  const pair = container.items.find((item) => isScalar(item.key) && item.key.value === String(key));
  if (pair === undefined) return undefined;
  const empty = pair.value === null || isUnwritten(pair.value);
  return keyOnly || empty ? pair.key : pair.value;
}

/** What stands behind `key:` with nothing after it. Not `""`. */
function isUnwritten(node: unknown): boolean {
  return isScalar(node) && node.value === null && node.source === '';
}

function startOf(node: unknown): number | null {
  return isNode(node) ? (node.range?.[0] ?? null) : null;
}

function describe(error: YAMLError, text: string, at: (offset: number) => Position): PlacedFinding {
  const [start] = error.pos;
  const place = { path: [], position: at(start) };
  if (error.code === 'DUPLICATE_KEY') {
    const key = /^[A-Za-z][A-Za-z_-]{0,31}(?=\s*:)/.exec(text.slice(start, start + 80))?.[0];
    const which = key === undefined ? 'this key' : `the key "${key}"`;
    return { ...place, message: `${which} is given twice`, code: 'config.duplicate_key' };
  }
  return { ...place, message: SENTENCES[error.code] ?? UNREADABLE, code: 'config.syntax' };
}

const NO_ANCHOR = 'uses an alias (*name) for which no anchor (&name) comes before it';
const UNREADABLE = 'is not valid YAML here: look for a missing colon, quote, bracket or space';
const SENTENCES: Partial<Record<YAMLError['code'], string>> = {
  BAD_ALIAS: NO_ANCHOR,
  BAD_DQ_ESCAPE: 'has an escape sequence that YAML does not know: use single quotes for plain text',
  BAD_INDENT: 'is not valid YAML: the indentation does not fit the lines above',
  BAD_SCALAR_START: 'has a value that begins with a reserved character: put it in quotes',
  BLOCK_AS_IMPLICIT_KEY: 'is not valid YAML: a mapping or list cannot begin on this line',
  MULTILINE_IMPLICIT_KEY: 'is not valid YAML: a key must be on one line and be followed by a colon',
  MULTIPLE_DOCS: 'expected one document: "---" begins a second one',
  RESOURCE_EXHAUSTION: 'is nested too deeply',
  TAB_AS_INDENT: 'is indented with a tab: use spaces',
  TAG_RESOLVE_FAILED: 'uses a YAML tag (!name), which is not supported: write plain values',
};
