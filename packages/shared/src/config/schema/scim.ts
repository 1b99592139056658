import { isNetwork } from '../../http/network.ts';
import { list, mapping, oneOf, patterned, quote, textAs } from './fields.ts';

/** How a proxy writes a client's certificate into a header. */
const FORMS = ['rfc9440', 'pem', 'der', 'xfcc'] as const;
type Form = (typeof FORMS)[number];

/** What the headers are that are known by their name; all others hold PEM. */
const FORM_OF_HEADER: Readonly<Record<string, Form>> = {
  'client-cert': 'rfc9440',
  'x-forwarded-client-cert': 'xfcc',
  'x-forwarded-tls-client-cert': 'der',
};

/** What holds for SCIM clients of every connection. */
export function scimSchema() {
  return mapping({ client_certificate: clientCertificate().optional() }).transform((raw) => ({
    /** How a proxy says with which certificate a client came; null: none does. */
    clientCertificate: raw.client_certificate ?? null,
  }));
}

function clientCertificate() {
  return mapping({
    header: patterned(/^[A-Za-z0-9-]{1,64}$/, 'the name of a header').prefault('Client-Cert'),
    form: oneOf(FORMS).optional(),
    proxies: list(network(), 'a list of at least one network such as 10.0.3.0/24', 1),
  }).transform(({ header, form, proxies }) => {
    const name = header.toLowerCase();
    return {
      /** In lower case. */
      header: name,
      form: form ?? FORM_OF_HEADER[name] ?? ('pem' as const),
      /** Whose word counts: networks in CIDR notation. */
      proxies,
    };
  });
}

function network() {
  return textAs('a network such as 10.0.3.0/24', (text) =>
    isNetwork(text)
      ? { ok: true, value: text }
      : {
          ok: false,
          wrong: `expected a network such as 10.0.3.0/24, or an address, received ${quote(text)}`,
        },
  );
}
