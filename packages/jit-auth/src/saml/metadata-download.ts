import { setTimeout as sleep } from 'node:timers/promises';
import { AppError } from '@rollcall/shared/core/errors';
import { MAX_METADATA_BYTES } from './metadata.ts';
import { metadataError } from './metadata-error.ts';

/** How patient a download is; all in milliseconds but `attempts`. */
export interface Patience {
  readonly attempts: number;
  /** Wait before the second attempt; it doubles before each one after. */
  readonly firstWaitMs: number;
  /** For one attempt, from the first byte sent to the last received. */
  readonly timeoutMs: number;
}

/** Some seven seconds of waiting: long enough for an identity provider that starts beside us. */
export const USUAL_PATIENCE: Patience = { attempts: 4, firstWaitMs: 1000, timeoutMs: 10_000 };

/**
 * Fetches metadata. Tries again where another attempt may help: no answer, 429,
 * 5xx. A redirect is refused, because the configuration says whom to trust.
 * Throws `saml.metadata_unreachable`, `saml.metadata_redirected`, `saml.metadata_too_large`.
 */
export async function downloadMetadata(url: string, patience: Patience): Promise<string> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await downloadOnce(url, patience.timeoutMs);
    } catch (error) {
      if (attempt >= patience.attempts || !mayPass(error)) throw error;
      await sleep(patience.firstWaitMs * 2 ** (attempt - 1));
    }
  }
}

async function downloadOnce(url: string, timeoutMs: number): Promise<string> {
  try {
    const response = await fetch(url, {
      redirect: 'manual',
      signal: AbortSignal.timeout(timeoutMs),
      headers: { accept: 'application/samlmetadata+xml, application/xml, text/xml' },
    });
    if (response.status >= 300 && response.status < 400) {
      await response.body?.cancel();
      const location = response.headers.get('location') ?? 'nowhere';
      throw metadataError('saml.metadata_redirected', 'the metadata itself', location);
    }
    if (!response.ok) {
      await response.body?.cancel();
      throw unreachable(url, `status ${response.status}`, isPassing(response.status));
    }
    return await readText(response);
  } catch (error) {
    if (error instanceof AppError) throw error;
    throw unreachable(url, reasonOf(error), true, error);
  }
}

async function readText(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    bytes += chunk.byteLength;
    // Leaving the loop cancels the rest.
    if (bytes > MAX_METADATA_BYTES) {
      throw metadataError('saml.metadata_too_large', `${MAX_METADATA_BYTES} bytes`, 'more');
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function isPassing(status: number): boolean {
  return status === 429 || status >= 500;
}

const passing = new WeakSet<AppError>();

function unreachable(url: string, received: string, mayHelp: boolean, cause?: unknown): AppError {
  const { origin, pathname } = new URL(url);
  // Without the query, which may hold a key.
  const expected = `metadata at ${origin}${pathname}`;
  const error = metadataError('saml.metadata_unreachable', expected, received, cause);
  if (mayHelp) passing.add(error);
  return error;
}

function mayPass(error: unknown): boolean {
  return error instanceof AppError && passing.has(error);
}

/** `fetch failed` says nothing; its cause does. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? error.cause.message || error.message : error.message;
}
