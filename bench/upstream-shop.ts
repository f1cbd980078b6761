import { type Bench, newPurser } from './bench.ts'
import { type OperatorApi, openOperatorApi } from './operator-api.ts'
import { type OutsideProcess, startUpstream, type UpstreamStats } from './outside.ts'
import type { PurserProcess } from './purser-process.ts'
import { CURRENCY, openShop, type Shop } from './shop.ts'

/** The name by which services and orders know the upstream. */
export const UPSTREAM = 'bench'
/** As many orders at once as an operator may let an upstream have, and twice over. */
const IN_FLIGHT_MAX = 32

/** A Purser whose one service is delivered by an upstream panel in a process of its own. */
export interface UpstreamShop {
  readonly purser: PurserProcess
  readonly shop: Shop
  readonly upstream: OutsideProcess<UpstreamStats>
  readonly ask: OperatorApi
  /** What the upstream delivers. */
  readonly serviceId: bigint
}

export async function openUpstreamShop(
  bench: Bench,
  o: {
    name: string
    wallets: number
    completesAfterMs?: number
    env?: Readonly<Record<string, string>>
  },
): Promise<UpstreamShop> {
  const purser = newPurser(bench, o.name)
  await purser.run(o.env)
  const shop = await openShop(purser.database, { wallets: o.wallets })
  const { completesAfterMs } = o
  const upstream = bench.life.use(
    await startUpstream(bench.dir, completesAfterMs === undefined ? {} : { completesAfterMs }),
  )
  const ask = await openOperatorApi(purser)
  await ask('POST', '/upstreams', {
    name: UPSTREAM,
    url: `${upstream.url}/api/v2`,
    api_key: 'bench-key',
    in_flight_max: IN_FLIGHT_MAX,
    is_idempotent: true,
  })
  const category = await ask<{ id: string }>('POST', '/categories', { name: 'Upstream' })
  const service = await ask<{ id: string }>('POST', '/services', {
    type: 'Default',
    category_id: category.id,
    name: 'Tagging elsewhere',
    min_quantity: 50,
    max_quantity: 10_000,
    providers: [{ provider: UPSTREAM, upstream_service: '1' }],
    prices: [{ currency: CURRENCY, rate: '0.90' }],
  })
  return { purser, shop, upstream, ask, serviceId: BigInt(service.id) }
}
