import { sql } from 'kysely'
import type { Db } from '../../db/database.ts'
import { AMOUNT_MAX } from '../../lib/money.ts'
import { pauseServices, setRates } from '../catalogue/sync-services.ts'
import type { Notice } from '../notices/notice.ts'
import { raiseNotices, settleNotices } from '../notices/raise-notice.ts'
import type { OperationContext } from '../operation.ts'
import type { KnownOffer } from './offer-views.ts'
import { saleRate } from './sale-rate.ts'
import type { Upstream } from './upstream.ts'

type Context = Pick<OperationContext, 'tx' | 'now' | 'record'>

/** A service sold here, beside what its upstream says of it now. */
interface SoldService {
  readonly serviceId: bigint
  readonly upstreamService: string
  readonly maxQuantity: bigint
  /** Whether this upstream is the first of those that its price follows. */
  readonly followsPrice: boolean
  readonly isFirst: boolean
  readonly isAlone: boolean
  readonly marginPpm: number
  readonly marginFixedMicros: bigint
  /** What it costs here, and at the upstream; null: it is not sold, or not listed. */
  readonly priceMicros: bigint | null
  readonly rateMicros: bigint | null
}

const GONE_NOTICE = 'upstream.service_gone'
const REPRICED_NOTICE = 'upstream.service_repriced'

/**
 * Brings what is sold here in line with what an upstream lists. A price that follows moves; a
 * service that is no longer listed, or costs more there while its price does not follow, is paused
 * unless others deliver it too. The operators are told of each. `before` is what was listed
 * before. The caller has moved the catalogue's epoch.
 */
export async function followOffers(
  context: Context,
  upstream: Upstream,
  before: ReadonlyMap<string, KnownOffer>,
): Promise<void> {
  const sold = await readSold(context.tx, upstream)
  const plan = planFor(sold, upstream, before)
  if (upstream.currency !== null) await setRates(context, upstream.currency, plan.rates)
  await settleNotices(context, { kind: GONE_NOTICE, subjects: plan.listed })
  await tell(context, { kind: GONE_NOTICE, upstream, services: plan.gone, before })
  await tell(context, { kind: REPRICED_NOTICE, upstream, services: plan.repriced, before })
}

/** Whether no price here waits to follow, as long as the upstream lists what it did. */
export async function pricesAreInLine(db: Db, upstream: Upstream): Promise<boolean> {
  const plan = planFor(await readSold(db, upstream), upstream, new Map())
  return plan.rates.length === 0
}

interface Plan {
  readonly rates: { serviceId: bigint; rateMicros: bigint }[]
  readonly gone: SoldService[]
  readonly repriced: SoldService[]
  /** The services here that the upstream lists. */
  readonly listed: string[]
}

function planFor(
  sold: readonly SoldService[],
  { currency, roundToMicros }: Upstream,
  before: ReadonlyMap<string, KnownOffer>,
): Plan {
  const plan: Plan = { rates: [], gone: [], repriced: [], listed: [] }
  for (const service of sold) {
    const { serviceId } = service
    const known = before.get(service.upstreamService)
    if (service.rateMicros === null) {
      // Told when it goes: an operator who sells it all the same is left alone.
      if (known?.goneAt === null) plan.gone.push(service)
      continue
    }
    plan.listed.push(String(serviceId))
    const rose = known !== undefined && known.rateMicros < service.rateMicros
    if (!service.followsPrice || currency === null) {
      if (rose) plan.repriced.push(service)
      continue
    }
    const margin = { ...service, roundToMicros: BigInt(roundToMicros) }
    const rateMicros = saleRate(service.rateMicros, margin)
    if (rateMicros === service.priceMicros) continue
    if (isSellable(service, rateMicros)) plan.rates.push({ serviceId, rateMicros })
    else if (known?.rateMicros !== service.rateMicros) plan.repriced.push(service)
  }
  return plan
}

function isSellable(service: SoldService, rateMicros: bigint): boolean {
  const { maxQuantity } = service
  // A price of nothing is a mistake: the margin alone is none.
  return (
    (service.rateMicros ?? 0n) > 0n &&
    rateMicros > 0n &&
    (rateMicros * maxQuantity) / 1000n < AMOUNT_MAX
  )
}

/** Pauses what nobody else delivers, or what is asked of this upstream first, and says so. */
async function tell(
  context: Context,
  o: {
    kind: Notice['kind']
    upstream: Upstream
    services: readonly SoldService[]
    before: ReadonlyMap<string, KnownOffer>
  },
): Promise<void> {
  const mustPause = (service: SoldService) =>
    o.kind === GONE_NOTICE ? service.isAlone : service.isFirst
  const paused = await pauseServices(
    context,
    o.services.filter(mustPause).map(({ serviceId }) => serviceId),
  )
  await raiseNotices(
    context,
    o.services.map(({ serviceId, upstreamService, rateMicros }) => ({
      kind: o.kind,
      subject: String(serviceId),
      data: {
        service_id: String(serviceId),
        upstream: o.upstream.name,
        upstream_service: upstreamService,
        rate_micros_before: text(o.before.get(upstreamService)?.rateMicros),
        rate_micros: text(rateMicros),
        paused: paused.has(serviceId),
      },
    })),
  )
}

function text(micros: bigint | null | undefined): string | null {
  return micros === null || micros === undefined ? null : String(micros)
}

async function readSold(db: Db, upstream: Upstream): Promise<SoldService[]> {
  const { rows } = await sql<SoldService>`
    select s.id as "serviceId", p.upstream_service as "upstreamService",
      greatest(s.max_quantity, s.package_quantity) as "maxQuantity",
      p.follows_price and not exists (
        select 1 from service_provider e
        where e.service_id = p.service_id and e.follows_price and e.position < p.position
      ) as "followsPrice",
      not exists (
        select 1 from service_provider e
        where e.service_id = p.service_id and e.position < p.position
      ) as "isFirst",
      not exists (
        select 1 from service_provider e
        where e.service_id = p.service_id and e.provider <> p.provider
      ) as "isAlone",
      coalesce(p.margin_ppm, m.margin_ppm, ${upstream.marginPpm}) as "marginPpm",
      coalesce(p.margin_fixed, m.margin_fixed, ${BigInt(upstream.marginFixedMicros)}::bigint)
        as "marginFixedMicros",
      c.rate as "priceMicros", u.rate as "rateMicros"
    from service_provider p
    join service s on s.id = p.service_id
    left join upstream_service u on u.upstream_id = ${BigInt(upstream.id)}
      and u.service = p.upstream_service and u.gone_at is null
    left join upstream_margin m on m.upstream_id = ${BigInt(upstream.id)}
      and m.category_id = s.category_id
    left join service_price c on c.service_id = s.id and c.currency = ${upstream.currency}
    where p.provider = ${upstream.name} and p.upstream_service is not null
    order by s.id`.execute(db)
  return rows
}
