import { list, mapping } from './fields.ts';
import { secretReference } from './references.ts';

/**
 * Our own key pairs, each a reference to PEM text that holds one private key and
 * its certificate. Of `signing` the first signs; of `decryption` every one
 * decrypts. All of them stand in our metadata, so that a key is rolled over by
 * putting the next one beside it, and taking the old one away later.
 */
export function ownKeysSchema(baseDir: string) {
  const keys = () => list(secretReference(baseDir), 'a list of references to PEM text').default([]);
  return mapping({ signing: keys(), decryption: keys() });
}
