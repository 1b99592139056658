import { createServer, type Server } from 'node:net';
import { TLSSocket } from 'node:tls';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { makeTlsCertificate } from '../../ldap/support/certificate.ts';
import { openLdap } from '../../ldap/support/directory.ts';

/** RFC 4511 §4.12: message 1, success. */
const TLS_BEGINS = Buffer.from('300c02010178070a010004000400', 'hex');
/** RFC 4511 §4.2.2: message 2, invalidCredentials. */
const REFUSED = Buffer.from('300c02010261070a013104000400', 'hex');
/** Message 2, success; the credentials of the server at its end are the 14 bytes that follow. */
const FORGED = Buffer.from('301c02010261170a010004000400870e', 'hex');

let server: Server;
let cert: string;
let port = 0;
beforeAll(async () => {
  const made = await makeTlsCertificate('localhost');
  cert = made.cert;
  server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.once('data', () => {
      // Whoever sits on the way puts bytes behind the last answer that is not encrypted.
      socket.write(Buffer.concat([TLS_BEGINS, FORGED]));
      const secured = new TLSSocket(socket, { isServer: true, ...made });
      secured.on('error', () => undefined);
      secured.once('data', () => secured.write(REFUSED));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, 'localhost', resolve));
  const address = server.address();
  port = typeof address === 'object' ? (address?.port ?? 0) : 0;
});
afterAll(() => new Promise((resolve) => server.close(resolve)));

it('what came before TLS is no part of an answer that comes by TLS', async () => {
  const directory = openLdap({
    port,
    host: 'localhost',
    security: 'starttls',
    authorities: async () => cert,
    timeoutMs: 2_000,
  });
  await expect(directory.fingerprint(AbortSignal.timeout(10_000))).rejects.toMatchObject({
    fault: 'unauthorized',
  });
});
