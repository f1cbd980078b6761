import type { Answer } from './answer.ts'
import { until } from './until.ts'

const POLL_MS = 50

/**
 * Asks as a client does whose server may be killed at any moment: the same again under the same
 * key until it is answered, after each lost connection, and wherever the provider or Purser itself
 * was not there. Gives the answer.
 */
export async function askUntilTold(ask: () => Promise<Answer>): Promise<Answer> {
  let answer: Answer | undefined
  const isTold = async () => {
    answer = await ask().catch(() => undefined)
    return answer !== undefined && answer.status < 500
  }
  await until(isTold, { pollMs: POLL_MS, story: () => `never answered: ${answer?.text}` })
  return answer!
}
