// The SCIM server of this project in a process of its own: `rollcall-server.ts DATABASE_URL`.
// It logs, counts requests and keeps health as the service does.

import { ScimHealth } from '@rollcall/jit-auth/scim/http/scim-health';
import { scimRoutes } from '@rollcall/jit-auth/scim/http/scim-routes';
import { RequestLog } from '@rollcall/jit-auth/scim/log/request-log';
import { openPool, overPool } from '@rollcall/shared/db/database';
import { createLog } from '@rollcall/shared/telemetry/log';
import express from 'express';
import { benchConfig, KEY } from './configuration.ts';
import { serveForBench } from './serve.ts';

const [url = ''] = process.argv.slice(2);
const db = overPool(openPool(url));
const log = createLog('info');
// No limit of requests in a minute: it is the server that is measured, not the wait.
const allowance = { perToken: 1_000_000_000, badPerAddress: 60, windowSeconds: 60 };
const health = new ScimHealth(db, log);
const requestLog = new RequestLog(db, log);
const config = await benchConfig();
const context = { db, config, keys: [KEY], log, health, requestLog, allowance };
await serveForBench(express().use(scimRoutes(context)));
