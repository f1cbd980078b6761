import { randomUUID } from 'node:crypto'
import { sql } from 'kysely'
import type { Database } from '../../db/database.ts'

/** An upstream whose balance, and perhaps services, are to be asked for. */
export interface DueUpstream {
  readonly id: bigint
  readonly name: string
  readonly servicesAt: Date | null
}

/** Longer than the asking takes: a list of services may need a minute. */
const LEASE_MS = 120_000

/** Takes upstreams that are due at `now`; nobody else looks at them while the lease lasts. */
export async function claimUpstreams(
  database: Database,
  o: { now: Date; limit: number },
): Promise<DueUpstream[]> {
  return await database.transaction(async (tx) => {
    const { rows } = await sql<DueUpstream>`
      update upstream u set
        lease_worker = ${randomUUID()}::uuid,
        lease_until = clock_timestamp() + ${LEASE_MS} * interval '1 millisecond'
      from (
        select id from upstream
        where look_at <= ${o.now}::timestamptz
          and (lease_until is null or lease_until <= clock_timestamp())
        order by look_at limit ${o.limit}
        for no key update skip locked
      ) due
      where u.id = due.id
      returning u.id, u.name, u.services_at as "servicesAt"`.execute(tx)
    return rows
  })
}
