import { demandsCertificate } from '@rollcall/jit-auth/scim/certificate/certificate-binding';
import {
  createToken,
  isLive,
  type NewToken,
  revokeTokens,
  rotateToken,
} from '@rollcall/jit-auth/scim/tokens/token-book';
import { AppError } from '@rollcall/shared/core/errors';
import type { ConnectionId } from '@rollcall/shared/core/ids';
import { after, type EpochMs } from '@rollcall/shared/core/time';
import { databaseTime } from '@rollcall/shared/db/clock';
import { inTransaction, type Tx } from '@rollcall/shared/db/database';
import { listScimTokens } from '@rollcall/shared/db/scim-tokens';
import { currentTime } from '@rollcall/shared/db/timestamp';
import { type Opened, withFoundation } from '../compose/with-foundation.ts';
import { EXIT, type ExitCode } from '../exit-code.ts';
import type { Invocation } from '../invocation.ts';
import { operatorName } from '../operator.ts';
import { connectionsNamed } from '../queries/known-connection.ts';
import { certificateToJson, renderTokens, tokenToJson } from '../render/scim-token.ts';
import { toIso } from '../render/when.ts';

export interface CreateOptions {
  readonly name: string;
  /** In milliseconds. */
  readonly expires: number | 'never';
  readonly network: readonly string[];
  /** In lower-case hexadecimal. */
  readonly certificateSha256?: string;
  /** As RFC 4514 writes it. */
  readonly certificateSubject?: string;
  readonly by?: string;
}

export interface RotateOptions {
  readonly overlap: number;
  /** In milliseconds. */
  readonly expires: number | 'never';
  readonly by?: string;
}

export async function create(
  connection: string,
  options: CreateOptions,
  invocation: Invocation,
): Promise<ExitCode> {
  const { name, network: networks, certificateSha256, certificateSubject } = options;
  const bound = {
    certificateSha256: certificateSha256 ?? null,
    certificateSubject: certificateSubject ?? null,
  };
  const made = await withFoundation(invocation, { engine: false }, (opened) => {
    const connectionId = requireProvisioned(opened, connection);
    if (demandsCertificate(bound)) requireProxy(opened);
    return inTime(opened, (tx, now) => {
      const expiresAt = options.expires === 'never' ? null : after(now, options.expires);
      const request = { connectionId, name, expiresAt, networks, ...bound };
      return createToken(tx, request, options.by ?? operatorName(), now);
    });
  });
  return show(made, invocation);
}

export async function rotate(
  connection: string,
  name: string,
  options: RotateOptions,
  invocation: Invocation,
): Promise<ExitCode> {
  const made = await withFoundation(invocation, { engine: false }, (opened) => {
    const connectionId = requireKnown(opened, connection);
    return inTime(opened, (tx, now) => {
      const expiresAt = options.expires === 'never' ? null : after(now, options.expires);
      const times = { overlapMs: options.overlap, expiresAt };
      return rotateToken(tx, { connectionId, name }, times, options.by ?? operatorName(), now);
    });
  });
  return show(made, invocation);
}

export async function revoke(
  connection: string,
  name: string,
  { by }: { readonly by?: string },
  invocation: Invocation,
): Promise<ExitCode> {
  const revoked = await withFoundation(invocation, { engine: false }, (opened) => {
    const connectionId = requireKnown(opened, connection);
    return inTime(opened, (tx, now) =>
      revokeTokens(tx, { connectionId, name }, by ?? operatorName(), now),
    );
  });
  const { terminal, json } = invocation;
  if (json) terminal.printJson({ connection, name, revoked });
  else terminal.print(`Token ${name} of ${connection} is revoked.`);
  return EXIT.ok;
}

export async function list(
  connection: string | undefined,
  all: boolean,
  invocation: Invocation,
): Promise<ExitCode> {
  const now = currentTime();
  const tokens = await withFoundation(invocation, { engine: false }, async (opened) => {
    const id = connection === undefined ? null : requireKnown(opened, connection);
    return listScimTokens(opened.foundation.db, id);
  });
  const shown = tokens.filter((token) => all || isLive(token, now));
  const { terminal, json } = invocation;
  if (json) terminal.printJson({ tokens: shown.map((token) => tokenToJson(token, now)) });
  else terminal.print(renderTokens(shown, now, terminal.colors));
  return EXIT.ok;
}

/** By the clock of the database, which all instances go by. */
function inTime<T>(
  { foundation: { db } }: Opened,
  work: (tx: Tx, now: EpochMs) => Promise<T>,
): Promise<T> {
  return inTransaction(db, async (tx) => work(tx, await databaseTime(tx)));
}

function show({ token, secret }: NewToken, { terminal, json }: Invocation): ExitCode {
  const { name, connectionId, expiresAt, networks } = token;
  if (json) {
    const head = { id: token.id, connection: connectionId, name };
    const bound = certificateToJson(token);
    terminal.printJson({ ...head, expires_at: toIso(expiresAt), networks, ...bound, secret });
    return EXIT.ok;
  }
  terminal.print(secret);
  const until = expiresAt === null ? 'until it is revoked' : `until ${toIso(expiresAt)}`;
  terminal.complain(`Token ${name} of ${connectionId}, good ${until}. It is not shown again.`);
  return EXIT.ok;
}

/** Throws `connection.unknown`. */
function requireKnown({ config }: Opened, connection: string): ConnectionId {
  const [found] = connectionsNamed(config, connection);
  if (found === undefined) throw new RangeError('a name without a connection');
  return found.id;
}

/** A token of a connection that takes no SCIM would be good for nothing. */
function requireProvisioned(opened: Opened, connection: string): ConnectionId {
  const id = requireKnown(opened, connection);
  const { provisioning } = connectionsNamed(opened.config, connection)[0] ?? {};
  if (provisioning !== 'jit') return id;
  throw new AppError(
    'scim.not_provisioned',
    `Connection ${id} takes no SCIM: give it provisioning: scim or both in the configuration.`,
    { detail: { expected: ['scim', 'both'], received: provisioning } },
  );
}

/** A certificate that nobody would tell of would shut the client out. */
function requireProxy({ config }: Opened): void {
  if (config.scim.clientCertificate !== null) return;
  throw new AppError(
    'scim.certificate_unread',
    'No proxy is named that says which certificate a client has: give the configuration scim.client_certificate first.',
  );
}
