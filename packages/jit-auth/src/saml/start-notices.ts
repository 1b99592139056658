import type { Log } from '@rollcall/shared/telemetry/log';
import { lacksSignature } from './request-signing.ts';
import { requireRsa15 } from './rsa1-5.ts';
import type { SamlConnection } from './saml-connection.ts';

/**
 * Says at the start what somebody should know of a connection: each time, for it
 * stays true until it is changed. Throws `saml.rsa1_5_unsupported`.
 */
export function noticeSettings(connection: SamlConnection, log: Log): void {
  const { id, weakAlgorithms } = connection;
  if (weakAlgorithms.includes('rsa1_5')) requireRsa15();
  if (weakAlgorithms.length > 0) {
    log.warn({
      event: 'connection.weak_algorithm',
      connection: id,
      algorithms: [...weakAlgorithms],
      message: 'This connection accepts algorithms that are no longer safe.',
    });
  }
  if (lacksSignature(connection)) {
    log.warn({
      event: 'connection.requests_unsigned',
      connection: id,
      message:
        connection.signRequests === 'never'
          ? 'The identity provider wants signed requests, and sign_requests is never: it may refuse every sign-in.'
          : 'The identity provider wants signed requests, and there is no key under signing: it may refuse every sign-in.',
    });
  }
}
