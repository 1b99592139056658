import { type Answer, askIdp, type Visitor } from '../../support/visitor.ts';
import type { Running } from '../cli/rollcall.ts';

/** Signs in by the demo IdP's forms; the page that the visitor ends at. */
export async function signIn(
  visitor: Visitor,
  { url }: Pick<Running, 'url'>,
  person: string,
  returnTo = '/',
): Promise<Answer> {
  const login = `${url}/login?return_to=${encodeURIComponent(returnTo)}`;
  const { action, fields } = await askIdp(visitor, login, person);
  return visitor.post(action, fields);
}

/** What the app's `GET /session` says of the visitor. */
export interface SessionAnswer {
  readonly status: number;
  readonly user?: { readonly id: string; readonly subject: string; readonly roles: string[] };
  /** Why there is none. */
  readonly code?: string;
  readonly detail?: string;
}

export async function sessionOf(
  visitor: Visitor,
  { url }: Pick<Running, 'url'>,
): Promise<SessionAnswer> {
  const { status, text } = await visitor.json(`${url}/session`);
  return { ...(JSON.parse(text) as SessionAnswer), status };
}

/** Presses a button of the demo IdP's own page. */
export async function pressAtIdp({ idp }: Pick<Running, 'idp'>, path: string): Promise<void> {
  const base = idp ?? '';
  const init = { method: 'POST', headers: { origin: base }, redirect: 'manual' } as const;
  const { status } = await fetch(new URL(path, base), init);
  if (status !== 303) throw new Error(`the demo IdP answered ${status} to ${path}`);
}
