import type { Log } from '@rollcall/shared/telemetry/log';
import { requireRsa15 } from './rsa1-5.ts';
import type { SamlConnection } from './saml-connection.ts';

/**
 * Says at the start what somebody should know of a connection: each time, for it
 * stays true until it is changed. Throws `saml.rsa1_5_unsupported`.
 */
export function noticeSettings({ id, weakAlgorithms }: SamlConnection, log: Log): void {
  if (weakAlgorithms.includes('rsa1_5')) requireRsa15();
  if (weakAlgorithms.length > 0) {
    log.warn({
      event: 'connection.weak_algorithm',
      connection: id,
      algorithms: [...weakAlgorithms],
      message: 'This connection accepts algorithms that are no longer safe.',
    });
  }
}
