/**
 * The links of a `Link` header (RFC 8288 §3) by their relation, in lower case. Where a
 * relation comes twice the first counts (§3.3). Targets are given exactly as written.
 */
export function readLinks(header: string | null): ReadonlyMap<string, string> {
  const links = new Map<string, string>();
  // A target may hold commas and semicolons; `>` it cannot.
  for (const [, target = '', parameters = ''] of (header ?? '').matchAll(LINK)) {
    const [, quoted, bare] = REL.exec(parameters) ?? [];
    for (const relation of (quoted ?? bare ?? '').toLowerCase().split(/\s+/)) {
      if (relation !== '' && !links.has(relation)) links.set(relation, target);
    }
  }
  return links;
}

const LINK = /<([^>]*)>((?:\s*;\s*[^\s=;,<"]+\s*(?:=\s*(?:"[^"]*"|[^\s;,<"]*))?)*)/g;
const REL = /;\s*rel\s*=\s*(?:"([^"]*)"|([^\s;,<"]+))/i;
