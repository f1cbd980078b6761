import { sql } from 'kysely'
import type { Database } from '../../db/database.ts'

/** A delivery that was completed, and that its provider is asked about once more. */
export interface RecheckedOrder {
  readonly orderId: bigint
  readonly provider: string
  readonly providerRef: string
  readonly endedAt: Date
  readonly rechecks: number
}

/** What is claimed and not recorded (the provider may be away) is due again after this. */
const AGAIN_MS = 10 * 60_000

/** Takes up to `limit` deliveries that are to be looked at once more, the longest due first. */
export async function claimRechecks(
  database: Database,
  o: { now: Date; limit: number },
): Promise<RecheckedOrder[]> {
  return await database.transaction(async (tx) => {
    const { rows } = await sql<RecheckedOrder>`
      with due as materialized (
        select id from service_order where recheck_at <= ${o.now}::timestamptz
        order by recheck_at
        limit ${o.limit}
        for no key update skip locked
      )
      update service_order s set recheck_at = ${new Date(o.now.getTime() + AGAIN_MS)}::timestamptz
      from due where s.id = due.id
      returning s.id as "orderId", s.provider, s.provider_ref as "providerRef",
        s.ended_at as "endedAt", s.rechecks`.execute(tx)
    return rows
  })
}
