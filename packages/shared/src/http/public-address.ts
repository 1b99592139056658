import { lookup as resolveByName } from 'node:dns';
import { BlockList, isIP, isIPv4, isIPv6, type LookupFunction } from 'node:net';

/** How a name becomes addresses; `dns.lookup` has this shape. */
export type Resolver = typeof resolveByName;

/** What a connection may lead to. */
export interface AddressRule {
  /** This machine and private networks too. */
  readonly allowPrivate: boolean;
}

/** The error of a host that leads where it may not. */
export type Refusal = (hostname: string, address: string) => Error;

type Family = 'ipv4' | 'ipv6';

/** RFC 6890 and the IANA registries: this machine, private networks, carrier-grade NAT, ULA. */
const PRIVATE = blockList([
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['172.16.0.0', 12],
  ['192.168.0.0', 16],
  ['::1', 128],
  ['fc00::', 7],
]);
/**
 * Nobody's service is here, whatever the configuration allows: link-local (where
 * clouds serve credentials), unspecified, documentation, benchmarks, multicast, reserved,
 * and IPv6 that only wraps IPv4.
 */
const NEVER = blockList([
  ['0.0.0.0', 8],
  ['169.254.0.0', 16],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 3],
]);
/** IPv6 that leads to anybody (RFC 4291 §2.4), and what of it does not. */
const GLOBAL_IPV6 = blockList([['2000::', 3]]);
const NOT_GLOBAL_IPV6 = blockList([
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['3fff::', 20],
]);
/** RFC 6052: where a network has IPv6 alone, the last 32 bits are an IPv4 address. */
const NAT64 = blockList([['64:ff9b::', 96]]);
/** RFC 4291 §2.5.5.2: no resolver of ours gives these; in a URL they only hide an IPv4 address. */
const MAPPED = blockList([['::ffff:0:0', 96]]);
const LOOPBACK = blockList([
  ['127.0.0.0', 8],
  ['::1', 128],
]);
/** Hosts that are written as this machine. */
export const LOOPBACK_NAMES: ReadonlySet<string> = new Set(['localhost', '127.0.0.1', '[::1]']);

/** Whether an IP address may be connected to. */
export function isAllowedAddress(address: string, rule: AddressRule): boolean {
  const plain = address.replace(/%.*$/, '');
  if (isIPv4(plain)) {
    if (contains(NEVER, plain)) return false;
    return rule.allowPrivate || !contains(PRIVATE, plain);
  }
  if (!isIPv6(plain) || contains(MAPPED, plain)) return false;
  if (contains(NAT64, plain)) return isAllowedAddress(embeddedIpv4(plain), rule);
  if (contains(PRIVATE, plain)) return rule.allowPrivate;
  return contains(GLOBAL_IPV6, plain) && !contains(NOT_GLOBAL_IPV6, plain);
}

/**
 * A `lookup` for `node:http` that hands out only addresses that may be connected to, so
 * that the address that was checked is the one that is used: between a check and a second
 * look-up a name could change its mind. One bad address among several refuses them all.
 *
 * A host that is written `localhost`, `127.0.0.1` or `[::1]` may lead to this machine:
 * whoever wrote that meant it. Throws what `refuse` makes for a bad address in the URL
 * itself, which nobody would look up.
 */
export function guardedLookup(
  { hostname }: URL,
  rule: AddressRule,
  refuse: Refusal,
  resolve: Resolver = resolveByName,
): LookupFunction {
  const mayUse = (address: string): boolean =>
    isAllowedAddress(address, rule) ||
    (LOOPBACK_NAMES.has(hostname) && contains(LOOPBACK, address));
  const literal = hostname.replace(/^\[|\]$/g, '');
  if (isIP(literal) !== 0 && !mayUse(literal)) throw refuse(hostname, literal);
  return (name, options, callback) => {
    resolve(name, { ...options, all: true }, (error, addresses) => {
      if (error !== null) return callback(error, '', 0);
      const refused = addresses.find(({ address }) => !mayUse(address));
      const [first] = addresses;
      if (refused !== undefined) return callback(refuse(hostname, refused.address), '', 0);
      if (first === undefined) return callback(new Error(`no address for ${name}`), '', 0);
      return options.all === true
        ? callback(null, addresses)
        : callback(null, first.address, first.family);
    });
  };
}

/** `64:ff9b::192.0.2.1` and `64:ff9b::c000:201` are the same: the URL parser writes the latter. */
function embeddedIpv4(address: string): string {
  const canonical = new URL(`http://[${address}]/`).hostname.slice(1, -1);
  const groups = canonical.slice(canonical.lastIndexOf('::') + 2).split(':');
  const [high = 0, low = 0] = ['0', '0', ...groups].slice(-2).map((group) => Number(`0x${group}`));
  return [high >> 8, high & 255, low >> 8, low & 255].join('.');
}

function blockList(ranges: readonly (readonly [string, number])[]): BlockList {
  const list = new BlockList();
  for (const [network, bits] of ranges) list.addSubnet(network, bits, familyOf(network));
  return list;
}

function contains(list: BlockList, address: string): boolean {
  return list.check(address, familyOf(address));
}

function familyOf(address: string): Family {
  return isIPv4(address) ? 'ipv4' : 'ipv6';
}
