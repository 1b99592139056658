import { serviceProvider } from '@rollcall/jit-auth/saml/saml-connection';
import type { ConnectionConfig } from '@rollcall/shared/config/types';
import { type Finding, ok, wrong } from './finding.ts';
import { askAddress, type HttpAnswer, type NoAnswer } from './http-answer.ts';
import type { Patient } from './patient.ts';

const CHECK = 'address';

/** Whether `public_url` leads to a service of ours, as browsers would reach it. */
export async function examinePublicUrl({ config, clock }: Patient): Promise<readonly Finding[]> {
  const url = `${config.publicUrl}/livez`;
  const answer = await askAddress(url, clock);
  if ('why' in answer) return [unreachable(url, answer)];
  if (answer.status === 200) return [ok(CHECK, `${config.publicUrl} answers`)];
  return [unexpected(url, '200', answer)];
}

/**
 * Whether what lies at `public_url` is this connection: the metadata there has our
 * entity id, so the ACS beside it is ours too.
 */
export async function examineAcs(
  { id }: Pick<ConnectionConfig, 'id'>,
  { config, clock }: Patient,
): Promise<readonly Finding[]> {
  const { entityId, acsUrl } = serviceProvider(config.publicUrl, id);
  const answer = await askAddress(entityId, clock);
  if ('why' in answer) return [unreachable(entityId, answer)];
  if (answer.status !== 200) return [unexpected(entityId, '200', answer)];
  if (answer.text.includes(`entityID="${entityId}"`)) return [ok(CHECK, `${acsUrl} is ours`)];
  const message = `${entityId}: expected metadata with this very entity id, received another document`;
  return [
    wrong('fault', CHECK, {
      code: 'doctor.other_service',
      message,
      cure: 'Let public_url be the address that leads to this service, and the proxy pass /saml on.',
    }),
  ];
}

function unreachable(url: string, { why, tls }: NoAnswer): Finding {
  return wrong('fault', CHECK, {
    code: tls ? 'doctor.tls_untrusted' : 'doctor.public_url_unreachable',
    message: `${url}: expected an answer, received ${why}`,
    cure: tls
      ? 'Give the proxy a certificate that browsers trust, with its whole chain.'
      : 'Start the service; check public_url, DNS, proxy and firewall. Where this machine cannot reach its own public address, run doctor on one that can.',
  });
}

function unexpected(url: string, expected: string, { status }: HttpAnswer): Finding {
  return wrong('fault', CHECK, {
    code: 'doctor.public_url_unreachable',
    message: `${url}: expected status ${expected}, received ${status}`,
    cure: 'Let the proxy pass /livez and /saml to this service, without redirect or sign-in of its own.',
  });
}
