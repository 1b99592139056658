import { generate } from 'selfsigned';

/** A certificate for a server of the test's own, which nobody trusts who is not told to. */
export async function makeTlsCertificate(host: string): Promise<{ cert: string; key: string }> {
  const made = await generate([{ name: 'commonName', value: host }], {
    algorithm: 'sha256',
    keySize: 2048,
    extensions: [
      { name: 'basicConstraints', cA: true },
      { name: 'subjectAltName', altNames: [{ type: 2, value: host }] },
    ],
  });
  return { cert: made.cert, key: made.private };
}
