import { sql } from 'kysely'
import type { Operation } from '../operation.ts'

/** Removes up to `limit` messages that were made before `before` and do not wait any more. */
export const forgetMessages: Operation<{ before: Date; limit: number }, { more: boolean }> = {
  name: 'webhook.forget_messages',
  permission: 'system',
  async run({ tx }, { before, limit }) {
    const { rows } = await sql<{ count: bigint }>`
      with first as materialized (
        select id, created_at, state from webhook_message order by id limit ${limit}
      ), gone as (
        delete from webhook_message m using first f
        where m.id = f.id and f.created_at < ${before}::timestamptz and f.state <> 'pending'
        returning m.id
      )
      select count(*) as count from gone`.execute(tx)
    return { more: Number(rows[0]?.count ?? 0n) === limit }
  },
}
