import { sql } from 'kysely'
import type { Db } from '../../db/database.ts'
import { type Price, taxedAmounts } from '../../lib/tax.ts'

/** What customers see of a plan, whatever it costs. */
export interface SoldPlan {
  readonly id: bigint
  /** A UUIDv7; written `vpsprod_` and 26 characters. */
  readonly publicId: string
  readonly key: string
  readonly name: string
  readonly vcpus: number
  readonly memoryMb: number
  readonly diskGb: number
  /** A calendar month; 0: not limited. */
  readonly bandwidthGb: number
  readonly minimumBillingCycle: number
  /** Whether it is sold to new servers. */
  readonly available: boolean
}

/** A plan as it is offered in one currency. */
export interface PlanOffer extends SoldPlan {
  readonly currency: string
  /** At least one; the shortest cycle first. */
  readonly prices: readonly (Price & { readonly billingCycle: number })[]
}

interface PriceRow extends Omit<PlanOffer, 'prices'> {
  readonly billingCycle: number
  readonly priceMicros: bigint
  readonly taxRatePpm: number
  readonly pricesIncludeTax: boolean
}

/**
 * The plans that have a price in a currency, in the order of the catalogue: in the one asked for,
 * else the account's, else, for nobody in particular, the first by its code in which there is a
 * price. With the account's tax; for nobody in particular the prices are those of the catalogue.
 */
export async function readPlanOffers(
  db: Db,
  o: { accountId: bigint | null; currency: string | null },
): Promise<PlanOffer[]> {
  const { rows } = await sql<PriceRow>`
    select p.id, p.public_id as "publicId", p.key, p.name, p.vcpus, p.memory_mb as "memoryMb",
      p.disk_gb as "diskGb", p.bandwidth_gb as "bandwidthGb",
      p.minimum_billing_cycle as "minimumBillingCycle", p.state = 'active' as available,
      n.currency, n.billing_cycle as "billingCycle", n.amount as "priceMicros",
      coalesce(t.rate_ppm, 0) as "taxRatePpm",
      coalesce(t.prices_include_tax, true) as "pricesIncludeTax"
    from plan p
    join plan_price n on n.plan_id = p.id and n.billing_cycle >= p.minimum_billing_cycle
    left join account a on a.id = ${o.accountId}
    left join tax_profile t on t.id = a.tax_profile_id
    where n.currency = coalesce(
      ${o.currency}, a.currency, (select min(currency) from plan_price))
    order by p.position, p.id, n.billing_cycle`.execute(db)
  const plans = Map.groupBy(rows, (row) => row.id)
  return [...plans.values()].map((prices) => {
    const [first] = prices
    return { ...first!, prices: prices.map(priceOf) }
  })
}

function priceOf(row: PriceRow): PlanOffer['prices'][number] {
  const { priceMicros, currency, taxRatePpm: ratePpm, pricesIncludeTax } = row
  const tax = { ratePpm, pricesIncludeTax }
  const price = taxedAmounts({ priceMicros, quantity: 1, discountPpm: 0, currency, tax })
  const { netMicros, grossMicros } = price
  return { billingCycle: row.billingCycle, netMicros, grossMicros }
}
