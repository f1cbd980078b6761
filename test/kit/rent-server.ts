/** Servers for tests that speak to the core itself. */
import { SYSTEM } from '../../src/core/actor.ts'
import type { BillingTerms } from '../../src/core/billing/billing-terms.ts'
import { execute, type Funnel } from '../../src/core/execute.ts'
import { createServer } from '../../src/core/servers/create-server.ts'

export interface ServerToRent {
  readonly accountId: bigint
  readonly planId: bigint
  /** Months. */
  readonly billingCycle: number
  readonly addons: readonly bigint[]
  /** What the provider calls it. */
  readonly ref: string
  readonly hostname: string
  readonly address: string | null
  readonly autoPay: boolean
  /** On which day its first period begins, which is granted; null: today. */
  readonly from: Date | null
  readonly terms: BillingTerms
}

export interface RentedServer {
  readonly serverId: bigint
  readonly subscriptionId: bigint
  /** The subscriptions of its addons, in the order given. */
  readonly addonIds: readonly bigint[]
  readonly ref: string
}

export async function rentServer(funnel: Funnel, server: ServerToRent): Promise<RentedServer> {
  const { addons, ref, address, terms, ...asked } = server
  const main =
    address === null
      ? []
      : [{ address, gateway: '10.0.0.1', prefix: 24, ddosProtected: false, ptr: null }]
  const { output } = await execute(funnel, createServer(terms), {
    actor: SYSTEM,
    input: {
      ...asked,
      addons: addons.map((addonId) => ({ addonId, quantity: 1 })),
      location: 'Sofia',
      image: { name: 'Ubuntu 24.04', family: 'ubuntu', version: '24.04' },
      providerRef: ref,
      addresses: main,
    },
    idempotencyKey: null,
  })
  const serverId = BigInt(output.id)
  const { rows } = await funnel.database.pool.query<{ id: bigint }>(
    'select id from subscription where server_id = $1 order by id',
    [serverId],
  )
  const [subscriptionId, ...addonIds] = rows.map(({ id }) => id)
  return { serverId, subscriptionId: subscriptionId!, addonIds, ref }
}
