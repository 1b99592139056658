/** Every way in which the demo IdP says no to the program that started it. */
export type DemoIdpErrorCode =
  | 'demo_idp.port_taken'
  | 'demo_idp.public_url_invalid'
  | 'demo_idp.acs_url_invalid'
  | 'demo_idp.page_size_invalid'
  | 'demo_idp.state_corrupt'
  | 'demo_idp.state_unreadable'
  | 'demo_idp.state_unwritable'
  | 'demo_idp.person_unknown'
  | 'demo_idp.person_exists'
  | 'demo_idp.group_unknown'
  | 'demo_idp.fault_unknown'
  | 'demo_idp.service_provider_unknown'
  | 'demo_idp.nothing_to_sign';

/** An error with a stable `code`, a sentence fit to be shown, and the private reason as `cause`. */
export class DemoIdpError extends Error {
  readonly code: DemoIdpErrorCode;

  constructor(code: DemoIdpErrorCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'DemoIdpError';
    this.code = code;
  }
}
