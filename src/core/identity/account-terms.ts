import { type RawBuilder, sql } from 'kysely'
import type { Db } from '../../db/database.ts'
import type { AccountTerms } from '../actor.ts'
import { translateOutage } from '../execute.ts'
import { Refusal } from '../refusal.ts'

interface TermsRow {
  epoch: bigint
  state: string
  wallet_id: bigint
  currency: string
  time_zone: string
  group_discount_ppm: number | null
  own_rates: Record<string, string> | null
}

/** An account as it stands now, for who orders without a key. Refuses `not_found`. */
export async function readAccountTerms(
  db: Db,
  accountId: bigint,
): Promise<{ terms: AccountTerms; isActive: boolean }> {
  const { rows } = await translateOutage(() =>
    sql<TermsRow>`
      select e.value as epoch, a.state, w.id as wallet_id, a.currency, a.time_zone,
        g.discount_ppm as group_discount_ppm, ${ownRates(sql.ref('a.id'))} as own_rates
      from epoch e, account a
      join ledger_account w on w.account_id = a.id and w.kind = 'wallet'
      left join discount_group g on g.id = a.discount_group_id
      where e.name = 'key' and a.id = ${accountId}`.execute(db),
  )
  const row = rows[0]
  if (!row) throw new Refusal('not_found')
  return {
    isActive: row.state === 'active',
    terms: {
      epoch: row.epoch,
      accountId,
      walletId: row.wallet_id,
      currency: row.currency,
      timeZone: row.time_zone,
      groupDiscountPpm: row.group_discount_ppm ?? 0,
      ownRates: toOwnRates(row.own_rates),
    },
  }
}

/** A scalar sub-query: the own rates of an account as JSON, null where it has none. */
export function ownRates(account: RawBuilder<unknown>): RawBuilder<unknown> {
  return sql`(
    select json_object_agg(r.service_id::text, r.rate::text)
    from account_rate r where r.account_id = ${account})`
}

export function toOwnRates(
  json: Readonly<Record<string, string>> | null,
): ReadonlyMap<bigint, bigint> | null {
  if (json === null) return null
  return new Map(Object.entries(json).map(([service, rate]) => [BigInt(service), BigInt(rate)]))
}
