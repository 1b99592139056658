/** RFC 4648 §4: whole groups of four, padded, and nothing else between them. */
const PADDED = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** Whether text without line breaks is base64 as it should be written; an empty one is. */
export function isBase64(text: string): boolean {
  return PADDED.test(text);
}
