import type { Db } from '../../db/database.ts'
import type { FailingPolicy } from '../orders/dispatch-verdict.ts'

const MINUTE_MS = 60_000

/** What becomes of orders that upstreams cannot take, by the upstream's name. */
export async function readFailingPolicies(db: Db): Promise<ReadonlyMap<string, FailingPolicy>> {
  const rows = await db
    .selectFrom('upstream')
    .select(['name', 'when_failing', 'refund_after_minutes'])
    .execute()
  return new Map(
    rows.map((row) => {
      const waits = row.when_failing === 'wait'
      return [row.name, { refundAfterMs: waits ? null : row.refund_after_minutes * MINUTE_MS }]
    }),
  )
}
