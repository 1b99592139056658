import { lookupOfProvider } from '@rollcall/jit-auth/saml/metadata-address';
import { isAllowedAddress, type Resolver } from '@rollcall/shared/http/public-address';
import { describe, expect, test } from 'vitest';

const PUBLIC = [
  '8.8.8.8',
  '1.1.1.1',
  '172.32.0.1',
  '100.128.0.1',
  '2606:4700::1111',
  '2a00::1',
  '64:ff9b::808:808',
];
const PRIVATE = [
  ...[
    '10.0.0.1',
    '172.16.0.1',
    '172.31.255.255',
    '192.168.1.1',
    '127.0.0.1',
    '127.1.2.3',
    '100.64.0.1',
  ],
  ...['::1', 'fc00::1', 'fd12:3456::1', '64:ff9b::10.0.0.1', '64:ff9b::7f00:1'],
];
const NEVER = [
  ...[
    '0.0.0.0',
    '0.1.2.3',
    '169.254.169.254',
    '192.0.2.1',
    '192.0.0.8',
    '198.18.0.1',
    '203.0.113.5',
  ],
  ...[
    '224.0.0.1',
    '239.1.1.1',
    '240.0.0.1',
    '255.255.255.255',
    '::',
    'fe80::1',
    'fe80::1%eth0',
    'ff02::1',
  ],
  ...[
    '::ffff:8.8.8.8',
    '::ffff:127.0.0.1',
    '::ffff:a00:1',
    '::127.0.0.1',
    '2002:7f00:1::',
    '2001::1',
  ],
  ...[
    '2001:db8::1',
    '3fff::1',
    'fec0::1',
    '100::1',
    '64:ff9b::169.254.169.254',
    '64:ff9b:1::1',
    'nonsense',
  ],
];

describe('an address', () => {
  test.each(PUBLIC)('%s is public', (address) => {
    expect(isAllowedAddress(address, { allowPrivate: false })).toBe(true);
  });
  test.each(PRIVATE)('%s is private', (address) => {
    expect(isAllowedAddress(address, { allowPrivate: false })).toBe(false);
    expect(isAllowedAddress(address, { allowPrivate: true })).toBe(true);
  });
  test.each(NEVER)('%s is nobody’s identity provider', (address) => {
    expect(isAllowedAddress(address, { allowPrivate: false })).toBe(false);
    expect(isAllowedAddress(address, { allowPrivate: true })).toBe(false);
  });
});

describe('a look-up', () => {
  const answering = (...addresses: string[]) =>
    ((_name: string, _options: object, callback: (...args: unknown[]) => void) =>
      callback(
        null,
        addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
      )) as unknown as Resolver;
  const ask = (url: string, resolve: Resolver, allowPrivate = false, all = true) =>
    new Promise((done, fail) => {
      const lookup = lookupOfProvider(new URL(url), { allowPrivate }, resolve);
      lookup('name', { all }, (error, address) => (error ? fail(error) : done(address)));
    });

  test('hands out what it has checked, as one or as all', async () => {
    const resolve = answering('8.8.8.8', '2606:4700::1111');
    await expect(ask('https://idp.example/', resolve)).resolves.toEqual([
      { address: '8.8.8.8', family: 4 },
      { address: '2606:4700::1111', family: 6 },
    ]);
    await expect(ask('https://idp.example/', resolve, false, false)).resolves.toBe('8.8.8.8');
  });

  test('refuses all where one of them is private', async () => {
    const resolve = answering('8.8.8.8', '10.0.0.1');
    await expect(ask('https://idp.example/', resolve)).rejects.toMatchObject({
      code: 'saml.metadata_private_address',
      detail: { received: '10.0.0.1' },
    });
    await expect(ask('https://idp.example/', resolve, true)).resolves.toHaveLength(2);
  });

  test('lets only what is written as this machine lead to this machine', async () => {
    await expect(ask('http://localhost/', answering('127.0.0.1', '::1'))).resolves.toHaveLength(2);
    await expect(ask('http://localhost/', answering('10.0.0.1'))).rejects.toMatchObject({
      code: 'saml.metadata_private_address',
    });
    await expect(ask('https://localhost.example/', answering('127.0.0.1'))).rejects.toMatchObject({
      code: 'saml.metadata_private_address',
    });
  });

  test('is not needed to see a private address in the URL, however it is written', () => {
    for (const host of ['10.0.0.1', '0x0a000001', '167772161', '[::ffff:10.0.0.1]', '127.1.1.1']) {
      expect(() => lookupOfProvider(new URL(`https://${host}/`), { allowPrivate: false })).toThrow(
        'private network',
      );
    }
    for (const host of ['127.0.0.1', '2130706433', '[::1]']) {
      lookupOfProvider(new URL(`https://${host}/`), { allowPrivate: false });
    }
  });

  test('passes on that there is no such name', async () => {
    const none = ((_n: string, _o: object, callback: (error: Error) => void) =>
      callback(new Error('ENOTFOUND'))) as unknown as Resolver;
    await expect(ask('https://idp.example/', none)).rejects.toThrow('ENOTFOUND');
    await expect(ask('https://idp.example/', answering())).rejects.toThrow('no address');
  });
});
