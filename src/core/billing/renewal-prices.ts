import { sql } from 'kysely'
import type { Db } from '../../db/database.ts'
import { type Price, taxedAmounts } from '../../lib/tax.ts'
import { type RenewableServer, readRenewables } from './renewable-views.ts'

/** What the next period of a server costs, by its subscription's own cycle; null: not sold so. */
export interface RenewalPrices {
  /** The plan alone. */
  readonly plan: Price | null
  /** With the addons that are renewed with the server. */
  readonly renewal: Price | null
}

/** What renews these servers, by the server's number. */
export async function readRenewalPrices(
  db: Db,
  serverIds: readonly bigint[],
): Promise<ReadonlyMap<bigint, RenewalPrices>> {
  if (serverIds.length === 0) return new Map()
  const { rows } = await sql<{ subscriptionId: bigint; billingCycle: null }>`
    select id as "subscriptionId", null as "billingCycle" from subscription
    where server_id = any (${serverIds}::bigint[]) and kind = 'server'`.execute(db)
  const servers = await readRenewables(db, rows)
  return new Map(
    servers.map((server) => {
      const plan = { priceMicros: server.priceMicros, quantity: 1 }
      const plans = priceOf(server, [plan])
      const renewal = priceOf(server, [plan, ...server.addons])
      return [server.serverId, { plan: plans, renewal }]
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
