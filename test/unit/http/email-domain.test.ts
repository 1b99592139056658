import { domainOfEmail } from '@rollcall/jit-auth/http/email-domain';
import { describe, expect, test } from 'vitest';

describe('the domain of an e-mail address', () => {
  test.each([
    ['ada@acme.example', 'acme.example'],
    ['  Ada.Lovelace+x@ACME.Example ', 'acme.example'],
    ['"odd@local"@acme.example', 'acme.example'],
    ['ada@acme.example.', 'acme.example'],
    ['ada@bücher.example', 'xn--bcher-kva.example'],
    ['ada@BÜCHER.example', 'xn--bcher-kva.example'],
    ['ada@xn--bcher-kva.example', 'xn--bcher-kva.example'],
    ['ada@xn--BCHER-KVA.example', 'xn--bcher-kva.example'],
    // Composed and decomposed, wide letters and the ideographic full stop are the same domain.
    ['ada@bu\u0308cher.example', 'xn--bcher-kva.example'],
    ['ada@\uff41\uff43\uff4d\uff45\u3002example', 'acme.example'],
    ['ада@почта.рф', 'xn--80a1acny.xn--p1ai'],
  ])('of %s is %s', (email, domain) => expect(domainOfEmail(email)).toBe(domain));

  test('with a letter that only looks like another is another', () => {
    expect(domainOfEmail('ada@\u0430cme.example')).toBe('xn--cme-5cd.example');
  });

  test.each([
    ...['', 'ada', '@acme.example', 'ada@', 'ada@.', 'ada@localhost', 'ada@127.0.0.1', 'ada@[::1]'],
    ...['ada@acme.example/x', 'ada@acme.example:80', 'ada@acme.example?x', 'ada@acme .example'],
    ...[
      'ada@%61cme.example',
      'ada@acme..example',
      'ada@acme.example#',
      `${'a'.repeat(320)}@a.example`,
    ],
    ...[
      `ada@${'a'.repeat(64)}.example`,
      'ada@<b>.example',
      'ada@acme.123',
      'ada@xn--\u0430.example',
    ],
  ])('%j is none', (text) => expect(domainOfEmail(text)).toBeNull());
});
