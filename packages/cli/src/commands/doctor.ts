import type { Config } from '@rollcall/shared/config/types';
import { AppError } from '@rollcall/shared/core/errors';
import type { ConnectionId } from '@rollcall/shared/core/ids';
import { findRefusal } from '@rollcall/shared/db/sign-in-refusals';
import { currentTime } from '@rollcall/shared/db/timestamp';
import { loadConfiguration } from '../compose/configuration.ts';
import { openForCommand, withFoundation } from '../compose/with-foundation.ts';
import { readAdvice } from '../doctor/advice.ts';
import { examine } from '../doctor/examine.ts';
import { readReference } from '../doctor/reference.ts';
import { EXIT, type ExitCode } from '../exit-code.ts';
import type { Invocation } from '../invocation.ts';
import {
  count,
  doctorToJson,
  refusalToJson,
  renderDoctor,
  renderRefusal,
} from '../render/doctor.ts';

export async function doctor(named: string | null, invocation: Invocation): Promise<ExitCode> {
  const { config: given, workingDirectory, env, terminal, json } = invocation;
  const { config, source } = await loadConfiguration(given, workingDirectory, env);
  const reference = named === null ? null : readReference(named);
  const only = named === null ? null : findConnection(config, named);
  if (named !== null && only === null) {
    if (reference !== null) return explainReference(reference, invocation);
    throw unknownName(config, named);
  }
  const sections = await examine({
    config,
    env,
    clock: currentTime,
    only,
    openDatabase: () => openForCommand(config, invocation, { engine: false }),
    advice: await readAdvice(),
  });
  if (json) terminal.printJson(doctorToJson(source.path, sections));
  else terminal.print(renderDoctor(source.path, config.publicUrl, sections, terminal.colors));
  return count(sections, 'fault') === 0 ? EXIT.ok : EXIT.error;
}

function findConnection(config: Config, named: string): ConnectionId | null {
  return config.connections.find(({ id }) => id === named)?.id ?? null;
}

async function explainReference(reference: string, invocation: Invocation): Promise<ExitCode> {
  const { terminal, json } = invocation;
  return withFoundation(invocation, { engine: false }, async ({ foundation, config }) => {
    const refusal = await findRefusal(foundation.db, reference);
    if (refusal === null) throw unknownReference(reference);
    const preset =
      config.connections.find(({ id }) => id === refusal.connectionId)?.preset ?? 'generic';
    const cure = (await readAdvice()).of(refusal.code, preset);
    if (json) terminal.printJson(refusalToJson(refusal, cure));
    else terminal.print(renderRefusal(refusal, cure, terminal.colors));
    return EXIT.ok;
  });
}

function unknownReference(reference: string): AppError {
  return new AppError(
    'doctor.unknown_reference',
    'No refusal with this reference is kept: the latest ten of each code and day are, for 30 days. The log has every one.',
    { detail: { received: reference } },
  );
}

function unknownName(config: Config, named: string): AppError {
  const expected = config.connections.map(({ id }) => id);
  return new AppError(
    'doctor.unknown_name',
    `This is no connection and no reference: the connections are ${expected.join(', ')}; a reference looks like 7K2Q-9WX4TM.`,
    { detail: { expected, received: named.slice(0, 80) } },
  );
}
