import { sql } from 'kysely'
import type { Db } from '../../db/database.ts'
import type { Price } from '../servers/server.ts'
import { taxedAmounts } from './tax.ts'

/** What the next period of a server costs, by its subscription's own cycle; null: not sold so. */
export interface RenewalPrices {
  /** The plan alone. */
  readonly plan: Price | null
  /** With the server's addons. */
  readonly renewal: Price | null
}

interface PriceRow {
  readonly serverId: bigint
  readonly kind: 'server' | 'server-addon'
  readonly quantity: number
  readonly priceMicros: bigint | null
  readonly currency: string
  readonly taxRatePpm: number
  readonly pricesIncludeTax: boolean
}

/** What renews these servers of the account, by the server's number. */
export async function readRenewalPrices(
  db: Db,
  o: { accountId: bigint; serverIds: readonly bigint[] },
): Promise<ReadonlyMap<bigint, RenewalPrices>> {
  if (o.serverIds.length === 0) return new Map()
  const { rows } = await sql<PriceRow>`
    select u.server_id as "serverId", u.kind, u.quantity,
      coalesce(n.amount, m.amount) as "priceMicros", a.currency, t.rate_ppm as "taxRatePpm",
      t.prices_include_tax as "pricesIncludeTax"
    from subscription s
    join account a on a.id = s.account_id
    join tax_profile t on t.id = a.tax_profile_id
    join subscription u on u.server_id = s.server_id and (u.id = s.id or u.state = 'active')
    left join plan_price n on n.plan_id = u.plan_id and n.currency = a.currency
      and n.billing_cycle = s.billing_cycle
    left join addon_price m on m.addon_id = u.addon_id and m.currency = a.currency
      and m.billing_cycle = s.billing_cycle
    where s.account_id = ${o.accountId} and s.kind = 'server'
      and s.server_id = any (${o.serverIds}::bigint[])`.execute(db)
  const prices = new Map<bigint, RenewalPrices>()
  for (const [serverId, items] of Map.groupBy(rows, (row) => row.serverId)) {
    const plan = items.find((item) => item.kind === 'server')
    prices.set(serverId, { plan: plan ? priceOf([plan]) : null, renewal: priceOf(items) })
  }
  return prices
}

/** The sum of the items' lines, each rounded as a line is; null where one has no price. */
function priceOf(items: readonly PriceRow[]): Price | null {
  let netMicros = 0n
  let grossMicros = 0n
  for (const item of items) {
    const { priceMicros, quantity, currency } = item
    if (priceMicros === null) return null
    const tax = { ratePpm: item.taxRatePpm, pricesIncludeTax: item.pricesIncludeTax }
    const line = taxedAmounts({ priceMicros, quantity, discountPpm: 0, currency, tax })
    netMicros += line.netMicros
    grossMicros += line.grossMicros
  }
  return { netMicros, grossMicros }
}
