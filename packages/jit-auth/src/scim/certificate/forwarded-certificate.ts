import type { ClientCertificateConfig } from '@rollcall/shared/config/types';
import { isFrom } from '@rollcall/shared/http/network';
import type { Request } from 'express';
import { type ClientCertificate, readClientCertificate } from './client-certificate.ts';

/**
 * The certificate that a proxy says the client has. Only the word of a proxy counts that
 * the configuration names, by the address of the connection itself and no header: from
 * anybody else the header is what anybody can write, and is not looked at. A header that
 * comes twice was added to one of the client's, and names nobody.
 */
export function forwardedCertificate(
  request: Pick<Request, 'socket' | 'headersDistinct'>,
  config: ClientCertificateConfig | null,
): ClientCertificate | null {
  if (config === null || config.proxies.length === 0) return null;
  if (!isFrom(request.socket.remoteAddress, config.proxies)) return null;
  const lines = request.headersDistinct[config.header] ?? [];
  const [line, ...more] = lines;
  if (line === undefined || more.length > 0) return null;
  return readClientCertificate(line, config.form);
}
