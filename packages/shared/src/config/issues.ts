import type * as z from 'zod';
import { AppError } from '../core/errors.ts';
import type { KeyPath, Position } from './yaml-document.ts';

/** What kind of problem an issue is. Stable: programs may match it. */
export const CONFIG_ISSUE_CODES = [
  'config.unreadable',
  'config.too_large',
  'config.empty',
  'config.syntax',
  'config.duplicate_key',
  'config.unknown_key',
  'config.missing',
  'config.wrong_type',
  'config.bad_value',
  'config.not_supported',
  'config.not_a_reference',
  'config.duplicate',
  'config.unknown_connection',
  'config.conflict',
  'config.bad_certificate',
] as const;
export type ConfigIssueCode = (typeof CONFIG_ISSUE_CODES)[number];

/** One problem of a configuration. */
export interface ConfigIssue {
  readonly file: string;
  /** 1-based; null where the configuration was given as an object or could not be read. */
  readonly line: number | null;
  readonly column: number | null;
  /** Such as `connections.0.idp.metadata_url`; empty for the whole file. */
  readonly path: string;
  /** What is wrong, what was expected, what was received. Never a secret. */
  readonly message: string;
  readonly code: ConfigIssueCode;
}

/** A problem before it has a position. */
export interface Finding {
  readonly path: KeyPath;
  readonly message: string;
  readonly code: ConfigIssueCode;
  /** Point at the key instead of its value. */
  readonly atKey?: boolean;
  /** Leave the last key out of the path that is shown: it may be a secret in the wrong place. */
  readonly hideKey?: boolean;
}

/** A configuration that cannot be used, with every problem found. Code: `config.invalid`. */
export class ConfigError extends AppError {
  readonly issues: readonly ConfigIssue[];

  constructor(issues: readonly ConfigIssue[], options: { readonly cause?: unknown } = {}) {
    super('config.invalid', issues.map(formatIssue).join('\n'), options);
    this.name = 'ConfigError';
    this.issues = issues;
  }
}

/** One issue as a line: `rollcall.yaml:8:23  connections.0.idp.metadata_url  must be …`. */
export function formatIssue(issue: ConfigIssue): string {
  const place = [issue.file, issue.line, issue.column].filter((part) => part !== null).join(':');
  return [place, issue.path, issue.message].filter((part) => part !== '').join('  ');
}

/** The findings in a failed parse: one per unknown key, one per wrong value. */
export function findingsOf(error: z.ZodError, input: unknown): Finding[] {
  return error.issues.flatMap((issue) => {
    const path = issue.path.map((part) => (typeof part === 'symbol' ? String(part) : part));
    if (issue.code === 'unrecognized_keys') return unknownKeys(issue, path);
    return [{ path, message: issue.message, code: codeOfIssue(issue, path, input) }];
  });
}

/** Gives findings their place, drops repetitions and sorts by place. */
export function locate(
  findings: readonly Finding[],
  file: string,
  positionOf: (path: KeyPath, atKey: boolean) => Position | null,
): ConfigIssue[] {
  const issues = findings.map((finding): ConfigIssue => {
    const position = positionOf(finding.path, finding.atKey ?? false);
    return {
      file,
      line: position?.line ?? null,
      column: position?.column ?? null,
      path: finding.path.slice(0, finding.hideKey ? -1 : undefined).join('.'),
      message: finding.message,
      code: finding.code,
    };
  });
  const distinct = new Map(issues.map((issue) => [formatIssue(issue), issue]));
  return [...distinct.values()].sort(
    (a, b) => (a.line ?? 0) - (b.line ?? 0) || (a.column ?? 0) - (b.column ?? 0),
  );
}

function unknownKeys(issue: z.core.$ZodIssueUnrecognizedKeys, path: KeyPath): Finding[] {
  const messages = issue.message.split('\n');
  return issue.keys.map((key, index) => ({
    path: [...path, key],
    message: messages[index] ?? issue.message,
    code: 'config.unknown_key',
    atKey: true,
    hideKey: !messages[index]?.startsWith('unknown key "'),
  }));
}

function codeOfIssue(issue: z.core.$ZodIssue, path: KeyPath, input: unknown): ConfigIssueCode {
  if (issue.code === 'custom') {
    const given: unknown = issue.params?.code;
    return CONFIG_ISSUE_CODES.find((code) => code === given) ?? 'config.bad_value';
  }
  const value = valueAt(input, path);
  if (value === undefined) return 'config.missing';
  if (issue.code === 'invalid_type') return 'config.wrong_type';
  if (issue.code !== 'invalid_value') return 'config.bad_value';
  const sameKind = issue.values.some((expected) => typeof expected === typeof value);
  return sameKind ? 'config.bad_value' : 'config.wrong_type';
}

function valueAt(input: unknown, path: KeyPath): unknown {
  let value = input;
  for (const key of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined;
    value = Reflect.get(value, key);
  }
  return value;
}
