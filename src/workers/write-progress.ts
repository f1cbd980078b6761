import { setTimeout as pause } from 'node:timers/promises'
import { SYSTEM } from '../core/actor.ts'
import { execute } from '../core/execute.ts'
import { type ProgressReport, recordProgress } from '../core/orders/record-progress.ts'
import { isUnavailable, Refusal } from '../core/refusal.ts'
import type { Delivering } from './delivery-deps.ts'

const AGAIN_MS = 500
const AGAIN_MAX_MS = 5_000

/**
 * Writes what providers said: all in one transaction; where one order spoils it, each in its own,
 * so that only that one is left to be looked at again. While the database is away it is tried
 * until the process is to end: a number that is lost may leave an order unconfirmed.
 */
export async function writeProgress(
  deps: Pick<Delivering, 'funnel' | 'log' | 'isStopping'>,
  reports: readonly ProgressReport[],
  lease: string | null,
): Promise<void> {
  if (reports.length === 0) return
  for (let waitMs = AGAIN_MS; ; waitMs = Math.min(waitMs * 2, AGAIN_MAX_MS)) {
    try {
      await writeOnce(deps, reports, lease)
      return
    } catch (error) {
      if (!isUnavailable(error) || deps.isStopping()) throw error
    }
    await pause(waitMs)
  }
}

async function writeOnce(
  { funnel, log }: Pick<Delivering, 'funnel' | 'log'>,
  reports: readonly ProgressReport[],
  lease: string | null,
): Promise<void> {
  const write = (part: readonly ProgressReport[]) =>
    execute(funnel, recordProgress, {
      actor: SYSTEM,
      input: { reports: part, lease },
      idempotencyKey: null,
    })
  try {
    await write(reports)
  } catch (error) {
    if (error instanceof Refusal || reports.length === 1) throw error
    for (const report of reports) {
      await write([report]).catch((err: unknown) => {
        if (isUnavailable(err)) throw err
        log.error({ err, order: String(report.orderId) }, 'an order could not be written')
      })
    }
  }
}
