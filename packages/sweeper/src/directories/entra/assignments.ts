import { readFields, readFlag, readId, readText } from '../answer-fields.ts';
import type { HttpClient } from '../http-client.ts';
import { Membership } from '../membership.ts';
import { type GraphCollection, readCounted } from './graph.ts';

/** The enterprise application, as far as it decides who may sign in. */
export interface EnterpriseApp {
  readonly id: string;
  readonly enabled: boolean;
  /** Where it is false, everybody of the tenant may sign in, assigned or not. */
  readonly assignmentRequired: boolean;
}

/** To whom the application is assigned. */
export interface Assignments {
  readonly users: ReadonlySet<string>;
  readonly groups: readonly string[];
}

/** Graph gives no more of a page of either. */
const PAGE_SIZE = 999;
const USER = '#microsoft.graph.user';

/** The service principal of an application id. Throws `DirectoryError`. */
export async function readApp(
  http: HttpClient,
  appId: string,
  signal: AbortSignal,
): Promise<EnterpriseApp> {
  const target = appPath(appId);
  const query = { $select: 'id,accountEnabled,appRoleAssignmentRequired' };
  const { body } = await http.send({ target, query }, signal);
  const where = 'the enterprise application';
  const fields = readFields(body, where);
  return {
    id: readId(fields.id, where),
    enabled: readFlag(fields.accountEnabled, `accountEnabled of ${where}`),
    assignmentRequired: readFlag(
      fields.appRoleAssignmentRequired,
      `appRoleAssignmentRequired of ${where}`,
    ),
  };
}

/** Throws `DirectoryError`. */
export async function readAssignments(
  http: HttpClient,
  appId: string,
  signal: AbortSignal,
): Promise<Assignments> {
  const users = new Set<string>();
  const groups = new Set<string>();
  const path = `${appPath(appId)}/appRoleAssignedTo`;
  const select = 'id,principalId,principalType';
  const collection = { path, select, pageSize: PAGE_SIZE };
  for await (const { rows } of readCounted(http, collection, signal)) {
    for (const { fields, where } of rows) {
      const principal = readText(fields.principalId, `principalId of ${where}`);
      const type = readText(fields.principalType, `principalType of ${where}`);
      if (type === 'User') users.add(principal);
      else if (type === 'Group') groups.add(principal);
    }
  }
  return { users, groups: [...groups].sort() };
}

/**
 * Who is directly in each of the groups. People of groups in these groups are not: Entra
 * does not let them in by the assignment either. Throws `DirectoryError`.
 */
export async function readDirectMembers(
  http: HttpClient,
  groups: readonly string[],
  signal: AbortSignal,
): Promise<Membership> {
  const membership = new Membership();
  for (const group of groups) {
    const path = `/v1.0/groups/${encodeURIComponent(group)}/members`;
    const collection = { path, select: 'id', pageSize: PAGE_SIZE };
    for await (const { rows } of readCounted(http, collection, signal)) {
      for (const { id, fields } of rows) {
        if (fields['@odata.type'] === USER) membership.add(id, group);
      }
    }
  }
  return membership;
}

/** Which of the groups one person is directly in. Throws `DirectoryError`. */
export async function readGroupsOfUser(
  http: HttpClient,
  segment: string,
  groups: readonly string[],
  signal: AbortSignal,
): Promise<readonly string[]> {
  const wanted = new Set(groups);
  return readIds(http, { path: `/v1.0/users/${segment}/memberOf`, select: 'id' }, signal).then(
    (ids) => ids.filter((id) => wanted.has(id)),
  );
}

/** Whether the application is assigned to one person by name. Throws `DirectoryError`. */
export async function isAssignedDirectly(
  http: HttpClient,
  segment: string,
  app: EnterpriseApp,
  signal: AbortSignal,
): Promise<boolean> {
  const path = `/v1.0/users/${segment}/appRoleAssignments`;
  const collection = { path, select: 'id,resourceId,principalType', pageSize: PAGE_SIZE };
  let assigned = false;
  for await (const { rows } of readCounted(http, collection, signal)) {
    for (const { fields, where } of rows) {
      if (readText(fields.resourceId, `resourceId of ${where}`) === app.id) assigned = true;
    }
  }
  return assigned;
}

async function readIds(
  http: HttpClient,
  collection: Omit<GraphCollection, 'pageSize'>,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const ids: string[] = [];
  const whole = { ...collection, pageSize: PAGE_SIZE };
  for await (const { rows } of readCounted(http, whole, signal)) {
    for (const { id } of rows) ids.push(id);
  }
  return ids;
}

function appPath(appId: string): string {
  return `/v1.0/servicePrincipals(appId='${encodeURIComponent(appId)}')`;
}
