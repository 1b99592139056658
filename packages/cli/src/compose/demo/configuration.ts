/** What changes from one demo to the next. */
export interface DemoAddresses {
  /** `http://localhost:PORT` */
  readonly publicUrl: string;
  /** `127.0.0.1:PORT` */
  readonly listen: string;
  /** Base of the directory's SCIM API. */
  readonly scimUrl: string;
}

/** The files beside `demo.yaml` to which it refers. */
export const DEMO_FILES = {
  sessionKey: 'session-key',
  metadata: 'demo-idp-metadata.xml',
  scimToken: 'demo-scim-token',
  signingKey: 'demo-signing-key.pem',
} as const;

/** The one connection of the demo. */
export const DEMO_CONNECTION = 'demo';

/**
 * The configuration of the demo, as a reader would write it. It goes through the
 * same checks as any other.
 */
export function demoConfiguration({ publicUrl, listen, scimUrl }: DemoAddresses): string {
  return `# The configuration of the demo, written anew by each \`rollcall start\`: changes here
# are lost. For a configuration of your own write rollcall.yaml beside .rollcall/;
# docs/configuration.md explains every key.
version: 1
public_url: ${publicUrl}
listen: ${listen}
session: { keys: ["file:${DEMO_FILES.sessionKey}"] }
# Signs requests to sign out, so that signing out here signs out at the identity provider.
saml: { signing: ["file:${DEMO_FILES.signingKey}"] }

connections:
  - id: ${DEMO_CONNECTION}
    idp: { metadata_file: ${DEMO_FILES.metadata} }
    subject: { attribute: uid }
    attributes: { email: email, given_name: firstName, family_name: lastName, groups: [groups] }
    directory:
      type: scim
      url: ${scimUrl}
      token: file:${DEMO_FILES.scimToken}
      assignment_group: Analytics App
    # A real service would ask every 15m and confirm an absence after 5m.
    sweep: { every: 15s, mode: auto, confirm_after: 5s }

roles:
  - { role: analyst, when: { any_group: [BI-Analysts] } }
  - { role: editor, when: { any_group: [BI-Editors] } }
  - { role: finance, when: { all_groups: [Finance-Team] } }
  - { role: admin, privileged: true, when: { any_group: [BI-Admins] }, from: [${DEMO_CONNECTION}] }
default_role: none
`;
}
