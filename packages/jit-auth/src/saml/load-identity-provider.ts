import { type FileHandle, open } from 'node:fs/promises';
import type { EpochMs } from '@rollcall/shared/core/time';
import { MAX_METADATA_BYTES, type MetadataReading, readMetadata } from './metadata.ts';
import { downloadMetadata, type Patience, USUAL_PATIENCE } from './metadata-download.ts';
import { metadataError } from './metadata-error.ts';
import { requireSignedMetadata } from './metadata-signature.ts';
import { requireUsableKeys } from './signing-keys.ts';

/** Where an identity provider is described: the `idp` of a configured connection. */
export type IdentityProviderSource =
  | {
      readonly kind: 'metadata_url';
      readonly url: string;
      /** PEM: whose keys must have signed the metadata; empty where nothing must. */
      readonly pins: readonly string[];
      readonly allowPrivateAddress: boolean;
    }
  | {
      readonly kind: 'metadata_file';
      readonly path: string;
      /** As for `metadata_url`. */
      readonly pins: readonly string[];
    }
  | { readonly kind: 'metadata'; readonly xml: string }
  | {
      readonly kind: 'manual';
      readonly entityId: string;
      readonly ssoUrl: string;
      readonly sloUrl: string | null;
      /** PEM, one certificate each. */
      readonly certificates: readonly string[];
    };

/**
 * Loads what we trust of an identity provider, once, from wherever the configuration
 * says. Throws `saml.metadata_…`.
 */
export async function loadIdentityProvider(
  source: IdentityProviderSource,
  now: EpochMs,
  patience: Patience = USUAL_PATIENCE,
): Promise<MetadataReading> {
  switch (source.kind) {
    case 'metadata_url': {
      const downloaded = await downloadMetadata({ ...source, patience });
      return readTrusted(downloaded.kind === 'fetched' ? downloaded.xml : '', source.pins, now);
    }
    case 'metadata_file':
      return readTrusted(await readMetadataFile(source.path), source.pins, now);
    case 'metadata':
      return readMetadata(source.xml, null, now);
    case 'manual': {
      requireUsableKeys(source.certificates);
      const { entityId, ssoUrl, sloUrl, certificates } = source;
      const logoutEndpoints =
        sloUrl === null ? [] : [{ binding: 'redirect' as const, url: sloUrl, responseUrl: sloUrl }];
      const idp = {
        entityId,
        ssoUrl,
        logoutEndpoints,
        certificates,
        wantAuthnRequestsSigned: false,
      };
      return { idp, validUntil: null, cacheMs: null };
    }
    default:
      return source satisfies never;
  }
}

/**
 * Reads metadata; where certificates are pinned, from what one of their keys has signed.
 * Throws `saml.metadata_…`.
 */
export function readTrusted(xml: string, pins: readonly string[], now: EpochMs): MetadataReading {
  return readMetadata(pins.length === 0 ? xml : requireSignedMetadata(xml, pins), null, now);
}

async function readMetadataFile(path: string): Promise<string> {
  try {
    const file = await open(path, 'r');
    try {
      return await readCapped(file);
    } finally {
      await file.close();
    }
  } catch (cause) {
    const received = cause instanceof Error ? cause.message : String(cause);
    throw metadataError('saml.metadata_unreadable', `a file at ${path}`, received, cause);
  }
}

/** No more than one byte beyond the cap, whatever the file turns out to be. */
async function readCapped(file: FileHandle): Promise<string> {
  const buffer = Buffer.alloc(MAX_METADATA_BYTES + 1);
  let length = 0;
  let bytesRead: number;
  do {
    ({ bytesRead } = await file.read(buffer, length, buffer.length - length));
    length += bytesRead;
  } while (bytesRead > 0 && length < buffer.length);
  return buffer.toString('utf8', 0, length);
}
