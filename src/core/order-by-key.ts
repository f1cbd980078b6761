import { sql } from 'kysely'
import type { Db } from '../db/database.ts'

/** An order as it was made, and the hash of what was asked. */
export interface KeyedOrder {
  readonly id: bigint
  readonly createdAt: Date
  readonly currency: string
  readonly listChargeMicros: bigint
  readonly chargeMicros: bigint
  readonly requestHash: Buffer
}

/**
 * The order that an account has placed under an idempotency key. The condition is written as the
 * index is: no other index fits it, so the plan cannot depend on statistics.
 */
export async function findOrderByKey(
  db: Db,
  o: { accountId: bigint; key: string },
): Promise<KeyedOrder | undefined> {
  const { rows } = await sql<KeyedOrder>`
    select id, created_at as "createdAt", currency, list_charge as "listChargeMicros",
      charge as "chargeMicros", request_hash as "requestHash"
    from service_order
    where (account_id::text || ' ' || idempotency_key) = ${`${o.accountId} ${o.key}`}
      and idempotency_key is not null`.execute(db)
  return rows[0]
}
