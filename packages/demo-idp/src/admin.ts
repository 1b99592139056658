import express, { type Request, type RequestHandler, type Router } from 'express';
import { applyAction, isAction } from './actions.ts';
import { renderAdminPage } from './admin-page.ts';
import { readField } from './bearer.ts';
import type { Directory } from './directory.ts';
import { FAULT_SENTENCES, isFault } from './faults.ts';
import type { OpenSessions } from './open-sessions.ts';
import { fullName } from './people.ts';
import type { RequestLog } from './request-log.ts';

const DONE: Readonly<Record<string, string>> = {
  disable: 'is now disabled.',
  remove: 'is no longer in the directory.',
  unassign: 'is no longer assigned to the application.',
  restore: 'is back, under the same id.',
  groups: 'has new groups.',
};

/** The directory's page and its forms. Each form answers with a redirect, so that reloading repeats nothing. */
export function createAdminRouter(
  directory: Directory,
  sessions: OpenSessions,
  log: RequestLog,
  sameOrigin: RequestHandler,
): Router {
  const router = express.Router();
  const form = express.urlencoded({ extended: false, limit: '64kb' });
  router.use(['/people', '/fault'], sameOrigin, form);
  router.get('/', (request, response) => {
    const notice = describeDone(request, directory);
    const page = renderAdminPage({ directory, sessions, requests: log.entries(), notice });
    response.type('html').send(page);
  });
  router.post('/people/:id/groups', (request, response) => {
    const { id } = request.params;
    directory.regroup(id, readTexts(request, 'group'));
    response.redirect(303, `/?done=groups&person=${encodeURIComponent(id)}`);
  });
  router.post('/people/:id/:action', (request, response, next) => {
    const { id, action } = request.params;
    if (!isAction(action)) {
      next();
      return;
    }
    applyAction(directory, action, id);
    response.redirect(303, `/?done=${action}&person=${encodeURIComponent(id)}`);
  });
  router.post('/fault', (request, response, next) => {
    const fault = readField(request.body, 'fault');
    if (!isFault(fault)) {
      next();
      return;
    }
    directory.setFault(fault);
    response.redirect(303, '/?done=fault');
  });
  return router;
}

function describeDone(request: Request, directory: Directory): string | undefined {
  const done = readField(request.query, 'done') ?? '';
  if (done === 'fault') return `Set: ${FAULT_SENTENCES[directory.fault()]}.`;
  const person = directory.find(readField(request.query, 'person') ?? '');
  const sentence = Object.entries(DONE).find(([name]) => name === done)?.[1];
  if (person === undefined || sentence === undefined) return undefined;
  return `${fullName(person)} ${sentence}`;
}

function readTexts(request: Request, name: string): readonly string[] {
  const body: unknown = request.body;
  if (typeof body !== 'object' || body === null) return [];
  const value: unknown = Object.entries(body).find(([key]) => key === name)?.[1];
  const values: readonly unknown[] = Array.isArray(value) ? value : [value];
  return values.filter((one) => typeof one === 'string');
}
