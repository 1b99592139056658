import { parentPort } from 'node:worker_threads';
import { wordsOf } from '@rollcall/shared/core/errors';
import { SamlRefusal } from './refusal.ts';
import { type SecondQuestion, verifySecond } from './second-verifier.ts';
import type { ThreadAnswer } from './thread-answer.ts';

/** A thread that does nothing but ask the second verifier: one question, one answer. */
parentPort?.on('message', async (question: SecondQuestion) => {
  parentPort?.postMessage(await answer(question));
});

async function answer(question: SecondQuestion): Promise<ThreadAnswer> {
  try {
    return { kind: 'reading', reading: await verifySecond(question) };
  } catch (error) {
    if (!(error instanceof SamlRefusal)) return { kind: 'failed', why: wordsOf(error) };
    const { code, detail } = error;
    const { expected, received } = detail;
    return { kind: 'refused', code, expected: String(expected), received: String(received) };
  }
}
