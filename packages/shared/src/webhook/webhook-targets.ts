import type { Config, TargetConfig } from '../config/types.ts';
import type { Database } from '../db/database.ts';
import type { Change } from '../outbox/change.ts';
import { startRelay } from '../outbox/relay.ts';
import type { Relay } from '../outbox/relay-round.ts';
import type { RelaySettings } from '../outbox/relay-settings.ts';
import type { Log } from '../telemetry/log.ts';
import { PATIENT } from './patience.ts';
import { sendWebhook, type WebhookTools } from './webhook.ts';

/** What the targets of one installation have in common. */
export interface TargetTools extends WebhookTools {
  readonly log: Log;
  /** By which its ids are told apart from those of others. */
  readonly installation: string;
}

/** The name under which a target's changes wait. */
export function targetName({ type, name }: Pick<TargetConfig, 'type' | 'name'>): string {
  return `${type}:${name}`;
}

/** Hands every change to the targets of a configuration, each by a relay of its own. */
export function startTargets(
  { targets }: Pick<Config, 'targets'>,
  db: Database,
  tools: TargetTools,
  settings: Partial<RelaySettings> = {},
): readonly Relay[] {
  return targets.map((config) => {
    const deliver = async (change: Change, signal: AbortSignal): Promise<void> => {
      if (config.on !== null && !config.on.includes(change.kind)) return;
      await sendWebhook(config, messageOf(change, tools.installation), tools, signal);
    };
    const target = { name: targetName(config), deliver };
    return startRelay(db, target, tools.log, { ...PATIENT, ...settings });
  });
}

/** The attempt is left out: the body is the same at every one, and so is the id. */
function messageOf({ attempt: _, ...change }: Change, installation: string) {
  const id = `change_${installation}_${change.id}`;
  return { id, type: change.kind, timestamp: change.at, data: change };
}
