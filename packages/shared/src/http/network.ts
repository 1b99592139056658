import { BlockList, isIP } from 'node:net';

/** Whether a text is a network in CIDR notation, or a single address. */
export function isNetwork(text: string): boolean {
  const [base = '', length, ...more] = text.split('/');
  const family = isIP(base);
  if (family === 0 || more.length > 0) return false;
  if (length === undefined) return true;
  return /^\d{1,3}$/.test(length) && Number(length) <= (family === 6 ? 128 : 32);
}

/** Whether an address is in one of the networks; in any, where there are none. */
export function isFrom(address: string | undefined, networks: readonly string[]): boolean {
  if (networks.length === 0) return true;
  // IPv4 that is written as IPv6 (RFC 4291 §2.5.5.2), and a zone.
  const plain = (address ?? '').replace(/^::ffff:(?=\d+\.)/i, '').replace(/%.*$/, '');
  const family = isIP(plain);
  if (family === 0) return false;
  const list = new BlockList();
  for (const network of networks) addNetwork(list, network);
  return list.check(plain, family === 6 ? 'ipv6' : 'ipv4');
}

function addNetwork(list: BlockList, network: string): void {
  if (!isNetwork(network)) return;
  const [base = '', length] = network.split('/');
  const family = isIP(base) === 6 ? 'ipv6' : 'ipv4';
  if (length === undefined) list.addAddress(base, family);
  else list.addSubnet(base, Number(length), family);
}
