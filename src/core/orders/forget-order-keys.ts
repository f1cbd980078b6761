import { sql } from 'kysely'
import type { Operation } from '../operation.ts'

/**
 * Takes the idempotency keys off up to `limit` orders made before `before`. Walks the orders by
 * id, which is nearly the order in which they were made, and remembers how far it came, so that
 * each is visited once; one that was made late under an early number keeps its key for longer.
 */
export const forgetOrderKeys: Operation<{ before: Date; limit: number }, { more: boolean }> = {
  name: 'order.forget_keys',
  permission: 'system',
  async run({ tx }, { before, limit }) {
    const mark = await tx
      .selectFrom('clean_up_mark')
      .select('up_to')
      .where('name', '=', 'order_keys')
      .forUpdate()
      .skipLocked()
      .executeTakeFirst()
    // Another process is at it.
    if (mark === undefined) return { more: false }
    const { rows } = await sql<{ id: bigint; old: boolean }>`
      select id, created_at < ${before}::timestamptz as old from service_order
      where id > ${mark.up_to} order by id limit ${limit}`.execute(tx)
    const end = rows.findIndex((row) => !row.old)
    const ids = (end === -1 ? rows : rows.slice(0, end)).map((row) => row.id)
    const last = ids.at(-1)
    if (last === undefined) return { more: false }
    await sql`
      update service_order set idempotency_key = null, request_hash = null
      where id in (
        select id from service_order
        where id = any (${ids}::bigint[]) and idempotency_key is not null
        order by id for no key update
      )`.execute(tx)
    await tx
      .updateTable('clean_up_mark')
      .set({ up_to: last })
      .where('name', '=', 'order_keys')
      .execute()
    return { more: ids.length === limit }
  },
}
