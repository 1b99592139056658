import { type ConnectionId, toConnectionId } from '@rollcall/shared/core/ids';
import { InvalidArgumentError } from 'commander';

/** Reads an argument. Throws `InvalidArgumentError` with what was expected, where `read` throws. */
export function accept<T>(read: () => T, expected: string): T {
  try {
    return read();
  } catch {
    throw new InvalidArgumentError(`Expected ${expected}.`);
  }
}

/** Reads the id of a connection, whether it is configured or not. Throws `InvalidArgumentError`. */
export function readConnection(text: string): ConnectionId {
  return accept(() => toConnectionId(text), 'the id of a connection');
}
