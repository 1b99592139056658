import { isIPv4, isIPv6 } from 'node:net';

/**
 * Under which key the requests of an address are counted. One subscriber of IPv6 has
 * 2^64 addresses (RFC 6177), so those count by their first 64 bits; IPv4 that is
 * written as IPv6 (RFC 4291 §2.5.5.2) counts as IPv4.
 */
export function addressKey(address: string | undefined): string {
  const plain = (address ?? '').replace(/%.*$/, '');
  const mapped = plain.replace(/^::ffff:/i, '');
  if (isIPv4(mapped)) return mapped;
  if (!isIPv6(plain)) return 'unknown';
  const [head = '', tail = ''] = plain.split('::');
  const first = head.split(':').filter((group) => group !== '');
  const last = tail.split(':').filter((group) => group !== '');
  const groups = plain.includes('::')
    ? [...first, ...Array<string>(Math.max(0, 8 - first.length - last.length)).fill('0'), ...last]
    : first;
  const network = groups.slice(0, 4).map((group) => Number.parseInt(group, 16).toString(16));
  return `${network.join(':')}::/64`;
}
