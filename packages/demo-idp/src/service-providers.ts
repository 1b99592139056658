import { DemoIdpError } from './errors.ts';

/** An application that trusts this IdP. */
export interface ServiceProvider {
  readonly entityId: string;
  /** Where its assertions are posted: http or https. */
  readonly acsUrl: string;
  /** Where its users are signed out, by redirect; left out, it takes no part in single logout. */
  readonly sloUrl?: string;
  /** PEM; whatever one of their keys has signed comes from the application. */
  readonly certificates?: readonly string[];
  /** As people call it; shown on the sign-in page. */
  readonly name: string;
}

/** The applications that the IdP knows. */
export class ServiceProviders {
  readonly #known = new Map<string, ServiceProvider>();

  /**
   * Adds an application, or replaces the one of the same entity id.
   *
   * @throws DemoIdpError `demo_idp.acs_url_invalid`: an address such as
   * `javascript:` would run in the sign-in page
   */
  register(provider: ServiceProvider): void {
    for (const address of [provider.acsUrl, provider.sloUrl ?? provider.acsUrl]) {
      const url = URL.parse(address);
      if (url !== null && ['http:', 'https:'].includes(url.protocol)) continue;
      throw new DemoIdpError(
        'demo_idp.acs_url_invalid',
        `Expected an http or https URL of the application, received ${JSON.stringify(address)}.`,
      );
    }
    this.#known.set(provider.entityId, provider);
  }

  find(entityId: string): ServiceProvider | undefined {
    return this.#known.get(entityId);
  }

  all(): readonly ServiceProvider[] {
    return [...this.#known.values()];
  }
}
