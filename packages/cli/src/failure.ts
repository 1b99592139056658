import { ConfigError, type ConfigIssue } from '@rollcall/shared/config/issues';
import { AppError, codeOf } from '@rollcall/shared/core/errors';
import { describeError } from '@rollcall/shared/telemetry/describe-error';
import { CommanderError } from 'commander';
import { EXIT, type ExitCode } from './exit-code.ts';
import { printable } from './render/printable.ts';
import type { Terminal } from './terminal.ts';

/** What went wrong, as scripts read it under `error`. */
export interface Failure {
  /** Stable: `area.what_happened`. */
  readonly code: string;
  readonly message: string;
  /** Facts, such as `{ expected, received }`; never a secret. */
  readonly detail?: Readonly<Record<string, unknown>>;
  /** One for each problem of a configuration. */
  readonly issues?: readonly ConfigIssue[];
}

/** An error that ends the program with an exit code of its own. */
export class CommandFailure extends AppError {
  readonly exit: ExitCode;

  constructor(
    exit: ExitCode,
    code: string,
    message: string,
    detail: Readonly<Record<string, unknown>>,
  ) {
    super(code, message, { detail });
    this.exit = exit;
  }
}

/** The exit code of a program that ends with this error. */
export function exitCodeOf(error: unknown): ExitCode {
  if (error instanceof CommandFailure) return error.exit;
  return codeOf(error) === 'plan.not_approved' ? EXIT.held : EXIT.error;
}

/** How much is told, and in which form. */
export interface FailureForm {
  readonly json: boolean;
  /** With stacks and causes. */
  readonly verbose: boolean;
}

/** The public side of an error. One that nobody foresaw is `internal`. */
export function describeFailure(error: unknown): Failure {
  if (error instanceof ConfigError) {
    return { code: error.code, message: 'The configuration is not valid.', issues: error.issues };
  }
  if (error instanceof AppError) {
    const { code, message, detail } = error;
    return Object.keys(detail).length === 0 ? { code, message } : { code, message, detail };
  }
  if (error instanceof CommanderError) {
    return { code: 'cli.usage', message: sentenceOfUsage(error.message) };
  }
  if (isDemoIdpError(error)) return { code: error.code, message: error.message };
  const message = error instanceof Error ? error.message : String(error);
  return {
    code: 'internal',
    message: `Something unexpected went wrong: ${message || 'no message'}. Add --verbose to see where.`,
  };
}

/**
 * Reports a failure: one sentence and its code on standard error (for a
 * configuration one line for each problem), or JSON on standard output.
 */
export function reportFailure(error: unknown, terminal: Terminal, form: FailureForm): void {
  const failure = describeFailure(error);
  if (form.json) terminal.printJson({ error: failure });
  else for (const line of linesOf(failure, terminal)) terminal.complain(line);
  if (form.verbose) terminal.complain(JSON.stringify(describeError(error), null, 2));
}

function linesOf(failure: Failure, { complaintColors: c }: Terminal): string[] {
  if (failure.issues !== undefined) {
    return failure.issues.map((issue) => {
      const place = [issue.file, issue.line, issue.column].filter((part) => part !== null);
      const parts = [c.bold(printable(place.join(':'))), printable(issue.path)];
      const sentence = `${printable(issue.message)} ${c.dim(`(${issue.code})`)}`;
      return [...parts, sentence].filter((part) => part !== '').join('  ');
    });
  }
  const reason = failure.detail?.reason;
  const why =
    typeof reason === 'string' && reason !== '' ? `${failure.code}: ${reason}` : failure.code;
  return [`${c.red('rollcall:')} ${printable(failure.message)} ${c.dim(`(${printable(why)})`)}`];
}

/** Commander writes "error: unknown option '--x'", with a suggestion on a line of its own. */
function sentenceOfUsage(message: string): string {
  const text = message.replace(/^error: /, '').replace(/\s*\n\s*/g, ' ');
  const sentence = `${text.charAt(0).toUpperCase()}${text.slice(1)}`;
  return /[.?)]$/.test(sentence) ? sentence : `${sentence}.`;
}

/** The demo IdP imports nothing of ours, so its errors are told by their code. */
function isDemoIdpError(error: unknown): error is Error & { readonly code: string } {
  if (!(error instanceof Error) || !('code' in error)) return false;
  return typeof error.code === 'string' && error.code.startsWith('demo_idp.');
}
