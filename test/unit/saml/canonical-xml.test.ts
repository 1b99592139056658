import { canonicalize } from '@rollcall/jit-auth/saml/canonical-xml';
import { parseWithLibxml, withLibxmlDocument } from '@rollcall/jit-auth/saml/libxml-element';
import { expect, test } from 'vitest';

test('an element has the exclusive form: its own namespaces, no comments, no declaration', () => {
  const text =
    '<?xml version="1.0"?><a xmlns="urn:a" xmlns:b="urn:b" xmlns:c="urn:c"><!-- x --><b:d z="1" y=\'2\'><![CDATA[<]]>\r\n&#13;</b:d></a>';
  const canonical = withLibxmlDocument(text, ({ root }) => canonicalize(root, []).toString('utf8'));
  expect(canonical).toBe('<a xmlns="urn:a"><b:d xmlns:b="urn:b" y="2" z="1">&lt;\n&#xD;</b:d></a>');
});

test('prefixes of the list are kept, whether they are used or not', () => {
  const text = '<a xmlns:xs="urn:xs"><b/></a>';
  const canonical = withLibxmlDocument(text, ({ root }) =>
    canonicalize(root, ['xs', 'none']).toString('utf8'),
  );
  expect(canonical).toBe('<a xmlns:xs="urn:xs"><b></b></a>');
});

test('long text outside ASCII survives the buffers of libxml2', () => {
  const value = 'Grüße \u{1F980} '.repeat(5000);
  const canonical = withLibxmlDocument(`<a>${value}</a>`, ({ root }) => canonicalize(root, []));
  expect(parseWithLibxml(canonical).text).toBe(value);
});

test('what has no canonical form, such as a relative namespace name, gives no bytes at all', () => {
  for (const name of ['relative', 'a/b', '../a']) {
    const text = `<a xmlns:b="${name}" b:c="d"/>`;
    const canonical = () => withLibxmlDocument(text, ({ root }) => canonicalize(root, []));
    expect(canonical).toThrow(expect.objectContaining({ code: 'saml.not_canonical' }));
  }
});
