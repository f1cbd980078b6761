import { sql } from 'kysely'
import { raiseNotices, settleNotices } from '../notices/raise-notice.ts'
import type { Operation } from '../operation.ts'
import { orderSubject } from './unconfirmed-notice.ts'

/** Nothing has been heard of a delivery for long: its provider may have forgotten it. */
const STALLED_NOTICE = 'order.stalled'

interface StalledOrder {
  readonly id: bigint
  readonly accountId: bigint
  readonly provider: string
}

/**
 * Tells operators of up to `limit` deliveries that have not moved since `since`, whoever is to
 * blame, so that no order hangs unseen; and takes back what was told of those that have moved. One
 * whose notice was closed is told again when it has stood still for as long once more.
 */
export const tellOfStalled: Operation<
  { since: Date; limit: number },
  { raised: number; settled: number }
> = {
  name: 'order.tell_of_stalled',
  permission: 'system',
  async run(context, { since, limit }) {
    const { tx } = context
    // Each half is what one index of open orders holds. Wholes wait for their parts, or for posts.
    const stalled = sql`
      (select id, account_id, provider, updated_at, unconfirmed_at from service_order
        where look_at is not null and not unfolds and provider_ref is null
        union all
        select id, account_id, provider, updated_at, unconfirmed_at from service_order
        where look_at is not null and not unfolds and provider_ref is not null)`
    const { rows } = await sql<StalledOrder>`
      select o.id, o.account_id as "accountId", o.provider from ${stalled} o
      where o.updated_at < ${since}::timestamptz and o.unconfirmed_at is null
        and not exists (
          select from notice n where n.kind = ${STALLED_NOTICE} and n.subject = 'order ' || o.id
            and (n.closed_at is null or n.closed_at > ${since}::timestamptz))
      order by o.id limit ${limit}`.execute(tx)
    await raiseNotices(
      context,
      rows.map(({ id, accountId, provider }) => ({
        kind: STALLED_NOTICE,
        subject: orderSubject(id),
        accountId,
        data: { provider },
      })),
    )
    const moved = await sql<{ subject: string }>`
      select n.subject from notice n
      where n.kind = ${STALLED_NOTICE} and n.closed_at is null and not exists (
        select from service_order o where o.id = substring(n.subject from 7)::bigint
          and o.look_at is not null and o.updated_at < ${since}::timestamptz)
      limit ${limit}`.execute(tx)
    const subjects = moved.rows.map((row) => row.subject)
    await settleNotices(context, { kind: STALLED_NOTICE, subjects })
    return { raised: rows.length, settled: subjects.length }
  },
}
