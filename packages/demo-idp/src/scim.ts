import express, { type NextFunction, type Request, type Response, type Router } from 'express';
import { hasBearer, readField } from './bearer.ts';
import type { Directory } from './directory.ts';
import { cutPage, FAULT_STATUS, type Fault, HOLD_MS, RETRY_AFTER_S } from './faults.ts';
import type { RequestLog } from './request-log.ts';
import {
  renderResourceTypes,
  renderSchemas,
  renderServiceProviderConfig,
} from './scim-discovery.ts';
import {
  type FilterAttributes,
  type ListQuery,
  readPage,
  ScimError,
  selectRows,
} from './scim-filter.ts';
import {
  GROUP_FILTERS,
  projectResource,
  renderGroup,
  renderUser,
  type ScimResource,
  USER_FILTERS,
} from './scim-resources.ts';

const LIST_RESPONSE = 'urn:ietf:params:scim:api:messages:2.0:ListResponse';
const ERROR = 'urn:ietf:params:scim:api:messages:2.0:Error';

/** What the directory's SCIM service needs. */
export interface ScimOptions {
  readonly directory: Directory;
  readonly log: RequestLog;
  readonly token: string;
  /** Address of the service, without a slash at its end. */
  readonly baseUrl: string;
  /** Rows on a page, by default and at most. */
  readonly pageSize: number;
  readonly now: () => number;
}

/**
 * The directory over SCIM 2.0 (RFC 7644), to be read only. The fault of the
 * directory spoils listings, and those faults that are refusals or silence
 * spoil look-ups by id too; discovery always works.
 */
export function createScimRouter(options: ScimOptions): Router {
  const { directory, baseUrl } = options;
  const router = express.Router({ caseSensitive: true });
  router.use((request, response, next) => logRequest(options, request, response, next));
  router.use((request, _response, next) => {
    if (!hasBearer(request, options.token)) {
      throw new ScimError(401, 'Expected the bearer token of this directory.');
    }
    if (!['GET', 'HEAD'].includes(request.method)) {
      throw new ScimError(501, 'This directory is changed on its own page, not over SCIM.');
    }
    next();
  });
  addDiscovery(router, options);
  router.use(['/Users', '/Groups'], (request, response, next) => {
    refuseOrHold(options, request, response, next);
  });
  router.get('/Users', (request, response) => {
    const render = (row: Parameters<typeof renderUser>[0]): ScimResource =>
      renderUser(row, directory, baseUrl);
    const fault = directory.fault();
    sendListing({ ...options, fault }, request, response, directory.listed(), USER_FILTERS, render);
  });
  router.get('/Users/:id', (request, response) => {
    const person = directory.listed().find(({ id }) => id === request.params.id);
    if (person === undefined) throw new ScimError(404, `No User ${request.params.id}.`);
    sendResource(request, response, renderUser(person, directory, baseUrl));
  });
  router.get('/Groups', (request, response) => {
    const render = (row: Parameters<typeof renderGroup>[0]): ScimResource =>
      renderGroup(row, directory, baseUrl);
    // A list of people that lies is hardest to see through while the groups are right.
    const fault = directory.fault() === 'malformed' ? 'malformed' : 'none';
    sendListing(
      { ...options, fault },
      request,
      response,
      directory.groups(),
      GROUP_FILTERS,
      render,
    );
  });
  router.get('/Groups/:id', (request, response) => {
    const group = directory.groups().find(({ id }) => id === request.params.id);
    if (group === undefined) throw new ScimError(404, `No Group ${request.params.id}.`);
    sendResource(request, response, renderGroup(group, directory, baseUrl));
  });
  router.use(() => {
    throw new ScimError(404, 'No such endpoint.');
  });
  router.use(sendError);
  return router;
}

function addDiscovery(router: Router, { baseUrl, pageSize }: ScimOptions): void {
  const listings = new Map([
    ['/ResourceTypes', renderResourceTypes(baseUrl)],
    ['/Schemas', renderSchemas(baseUrl)],
  ]);
  router.get('/ServiceProviderConfig', (_request, response) => {
    send(response, 200, renderServiceProviderConfig(baseUrl, pageSize));
  });
  for (const [path, resources] of listings) {
    router.get(path, (_request, response) => {
      send(response, 200, renderList(resources, resources.length, 1));
    });
    router.get(`${path}/:id`, (request, response) => {
      const found = resources.find(({ id }) => id === request.params.id);
      if (found === undefined) throw new ScimError(404, `No such resource under ${path}.`);
      send(response, 200, found);
    });
  }
}

function logRequest(
  { log, now }: ScimOptions,
  request: Request,
  response: Response,
  next: NextFunction,
): void {
  const entry = { at: now(), method: request.method, path: request.originalUrl };
  response.on('close', () => {
    log.record({ ...entry, status: response.writableFinished ? response.statusCode : undefined });
  });
  next();
}

/** The faults that spoil listings and look-ups alike. */
function refuseOrHold(
  { directory }: ScimOptions,
  request: Request,
  response: Response,
  next: NextFunction,
): void {
  const fault = directory.fault();
  const status = FAULT_STATUS.get(fault);
  if (status !== undefined) {
    if (status === 429) response.set('Retry-After', String(RETRY_AFTER_S));
    throw new ScimError(status, `The directory was told to fail: ${fault}.`);
  }
  if (fault !== 'timeout') {
    next();
    return;
  }
  const cut = setTimeout(() => request.socket.destroy(), HOLD_MS);
  response.on('close', () => clearTimeout(cut));
}

function sendListing<Row>(
  { fault, pageSize }: ScimOptions & { readonly fault: Fault },
  request: Request,
  response: Response,
  rows: readonly Row[],
  attributes: FilterAttributes<Row>,
  render: (row: Row) => ScimResource,
): void {
  const query = readQuery(request);
  const selected = selectRows(rows, attributes, query);
  const { startIndex, count } = readPage(query, pageSize);
  const page = cutPage(selected, startIndex, count, fault);
  const resources = page.rows.map((row) => project(request, render(row)));
  const list = renderList(resources, page.totalResults, startIndex);
  if (fault !== 'malformed') {
    send(response, 200, list);
    return;
  }
  const whole = JSON.stringify(list);
  response
    .status(200)
    .type('application/scim+json')
    .send(whole.slice(0, whole.length / 2));
}

/** A parameter given twice is an error: to drop a filter would answer with everybody. */
function readParameter(request: Request, name: string): string | undefined {
  if (Array.isArray(request.query[name])) {
    throw new ScimError(400, `${name}: expected it once.`, 'invalidValue');
  }
  return readField(request.query, name);
}

function readQuery(request: Request): ListQuery {
  return {
    filter: readParameter(request, 'filter'),
    sortBy: readParameter(request, 'sortBy'),
    sortOrder: readParameter(request, 'sortOrder'),
    startIndex: readParameter(request, 'startIndex'),
    count: readParameter(request, 'count'),
  };
}

function renderList(
  resources: readonly ScimResource[],
  totalResults: number,
  startIndex: number,
): ScimResource {
  return {
    schemas: [LIST_RESPONSE],
    totalResults,
    startIndex,
    itemsPerPage: resources.length,
    Resources: resources,
  };
}

function project(request: Request, resource: ScimResource): ScimResource {
  return projectResource(
    resource,
    readParameter(request, 'attributes'),
    readParameter(request, 'excludedAttributes'),
  );
}

function sendResource(request: Request, response: Response, resource: ScimResource): void {
  send(response, 200, project(request, resource));
}

function send(response: Response, status: number, body: ScimResource): void {
  response.status(status).type('application/scim+json').send(JSON.stringify(body));
}

/** Errors in the shape of RFC 7644 §3.12; what we did not foresee is a bare 500. */
function sendError(
  error: unknown,
  _request: Request,
  response: Response,
  next: NextFunction,
): void {
  if (response.headersSent) {
    next(error);
    return;
  }
  const known = error instanceof ScimError ? error : new ScimError(500, 'Internal error.');
  if (known.status === 401) response.set('WWW-Authenticate', 'Bearer realm="demo-idp"');
  send(response, known.status, {
    schemas: [ERROR],
    status: String(known.status),
    ...(known.scimType === undefined ? {} : { scimType: known.scimType }),
    detail: known.message,
  });
}
