import { sql } from 'kysely'
import { columnOf } from '../../db/column-of.ts'
import type { Operation } from '../operation.ts'
import type { RecheckedOrder } from './claim-rechecks.ts'
import { proposeCorrections, type Revision } from './corrections/propose-corrections.ts'
import type { DeliveryStatus } from './delivery-driver.ts'

export interface Recheck {
  readonly order: RecheckedOrder
  readonly status: DeliveryStatus
}

/** After its end; the first is when a delivery is completed. */
const LATER_MS = [24 * 60 * 60_000, 3 * 24 * 60 * 60_000]

/**
 * Writes that deliveries were looked at once more, and proposes corrections of those of which
 * their provider says now that less was delivered. Answers how many.
 */
export const recordRechecks: Operation<readonly Recheck[], { proposed: number }> = {
  name: 'order.record_rechecks',
  permission: 'system',
  async run(context, rechecks) {
    const column = columnOf(rechecks)
    const next = ({ order }: Recheck) => {
      const afterMs = LATER_MS[order.rechecks]
      return afterMs === undefined ? null : new Date(order.endedAt.getTime() + afterMs)
    }
    await sql`
      update service_order o set rechecks = i.rechecks + 1, recheck_at = i.recheck_at
      from rows from (
        unnest(${column(({ order }) => order.orderId)}::bigint[]),
        unnest(${column(({ order }) => order.rechecks)}::smallint[]),
        unnest(${column(next)}::timestamptz[])
      ) as i (id, rechecks, recheck_at)
      where o.id in (
        select s.id from service_order s
        where s.id = any (${column(({ order }) => order.orderId)}::bigint[])
        order by s.id for no key update
      ) and o.id = i.id and o.rechecks = i.rechecks`.execute(context.tx)
    const proposed = await proposeCorrections(context, rechecks.flatMap(revisionOf))
    return { proposed }
  },
}

function revisionOf({ order, status }: Recheck): Revision[] {
  if (status.kind === 'unknown') return []
  const { state, remains } = status
  if (state !== 'partial' && state !== 'canceled' && state !== 'failed') return []
  return [{ orderId: order.orderId, state, remains }]
}
