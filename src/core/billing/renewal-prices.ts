import type { Db } from '../../db/database.ts'
import type { Price } from '../servers/server.ts'
import { type RenewableServer, readRenewables } from './renewable-views.ts'
import { taxedAmounts } from './tax.ts'

/** What the next period of a server costs, by its subscription's own cycle; null: not sold so. */
export interface RenewalPrices {
  /** The plan alone. */
  readonly plan: Price | null
  /** With the addons that are renewed with the server. */
  readonly renewal: Price | null
}

/** What renews the servers of these subscriptions, by the subscription. */
export async function readRenewalPrices(
  db: Db,
  subscriptionIds: readonly bigint[],
): Promise<ReadonlyMap<bigint, RenewalPrices>> {
  const servers = await readRenewables(
    db,
    subscriptionIds.map((subscriptionId) => ({ subscriptionId, billingCycle: null })),
  )
  return new Map(
    servers.map((server) => {
      const plan = { priceMicros: server.priceMicros, quantity: 1 }
      return [
        server.subscriptionId,
        { plan: priceOf(server, [plan]), renewal: priceOf(server, [plan, ...server.addons]) },
      ]
    }),
  )
}

/** The sum of the items' lines, each rounded as a line is; null where one has no price. */
function priceOf(
  { currency, tax }: RenewableServer,
  items: readonly { readonly priceMicros: bigint | null; readonly quantity: number }[],
): Price | null {
  let netMicros = 0n
  let grossMicros = 0n
  for (const { priceMicros, quantity } of items) {
    if (priceMicros === null) return null
    const line = taxedAmounts({ priceMicros, quantity, discountPpm: 0, currency, tax })
    netMicros += line.netMicros
    grossMicros += line.grossMicros
  }
  return { netMicros, grossMicros }
}
