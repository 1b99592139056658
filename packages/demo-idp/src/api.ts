import express, { type NextFunction, type Request, type Response, type Router } from 'express';
import { applyAction, isAction } from './actions.ts';
import { hasBearer } from './bearer.ts';
import type { Directory } from './directory.ts';
import { DemoIdpError } from './errors.ts';
import { FAULTS, isFault } from './faults.ts';

/**
 * The JSON API for scripts, with the directory's bearer token:
 *
 * - `GET /people` → `{people: […], groups: […], fault}`
 * - `POST /people/{id}/{disable|remove|unassign|restore}` → the person
 * - `POST /people/{id}/groups` with `{groups: […]}` → the person
 * - `POST /fault` with `{fault}` (`null` mends) → `{fault}`
 *
 * Errors are `{code, message}` with 400, 401 or 404.
 */
export function createApiRouter(directory: Directory, token: string): Router {
  const router = express.Router();
  router.use((request, response, next) => {
    if (hasBearer(request, token)) {
      next();
      return;
    }
    response.set('WWW-Authenticate', 'Bearer realm="demo-idp"');
    refuse(response, 401, 'unauthorized', 'Expected the bearer token of this directory.');
  });
  router.use(express.json({ limit: '64kb' }));
  router.get('/people', (_request, response) => {
    const people = directory.people();
    response.json({ people, groups: directory.groups(), fault: directory.fault() });
  });
  router.post('/people/:id/groups', (request, response) => {
    const groups = readBody(request, 'groups');
    if (!isTextList(groups)) {
      refuse(response, 400, 'groups_invalid', 'Expected {"groups": ["name", …]}.');
      return;
    }
    response.json(directory.regroup(request.params.id, groups));
  });
  router.post('/people/:id/:action', (request, response, next) => {
    const { id, action } = request.params;
    if (isAction(action)) response.json(applyAction(directory, action, id));
    else next();
  });
  router.post('/fault', (request, response) => {
    const fault = readBody(request, 'fault');
    if (fault !== null && !isFault(fault)) {
      refuse(response, 400, 'fault_invalid', `Expected one of ${FAULTS.join(', ')}.`);
      return;
    }
    directory.setFault(fault);
    response.json({ fault: directory.fault() });
  });
  router.use((_request, response) => refuse(response, 404, 'not_found', 'No such endpoint.'));
  router.use(sendError);
  return router;
}

function refuse(response: Response, status: number, code: string, message: string): void {
  response.status(status).json({ code, message });
}

function readBody(request: Request, name: string): unknown {
  const body: unknown = request.body;
  if (typeof body !== 'object' || body === null) return undefined;
  return Object.entries(body).find(([key]) => key === name)?.[1];
}

function isTextList(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((one) => typeof one === 'string');
}

function sendError(
  error: unknown,
  _request: Request,
  response: Response,
  next: NextFunction,
): void {
  if (response.headersSent) {
    next(error);
  } else if (error instanceof DemoIdpError) {
    const status = { 'demo_idp.person_unknown': 404, 'demo_idp.group_unknown': 400 } as const;
    const known = Object.entries(status).find(([code]) => code === error.code)?.[1] ?? 500;
    refuse(response, known, error.code, error.message);
  } else if (error instanceof SyntaxError) {
    refuse(response, 400, 'json_invalid', 'The body is not JSON.');
  } else {
    refuse(response, 500, 'internal', 'Internal error.');
  }
}
