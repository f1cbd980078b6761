import { sql } from 'kysely'
import type { Db } from '../../db/database.ts'
import type { ServiceType } from '../catalogue/service-type.ts'
import type { NoticeDraft } from '../notices/notice.ts'
import { raiseNotices, settleNotices } from '../notices/raise-notice.ts'
import type { OperationContext } from '../operation.ts'
import { isWithin, type Limits, orderable } from './offer-limits.ts'
import type { KnownOffer } from './offer-views.ts'
import type { Upstream } from './upstream.ts'

type Context = Pick<OperationContext, 'tx' | 'now' | 'record'>

const LIMITS_NOTICE = 'upstream.service_limits'

/**
 * Tells the operators of services of which more, or less, can be ordered here than their upstream
 * takes since its limits have changed: once for each change, until it fits again. What is sold here
 * is theirs to decide, and stays as it is. `before` is what was listed before.
 */
export async function followLimits(
  context: Context,
  upstream: Upstream,
  before: ReadonlyMap<string, KnownOffer>,
): Promise<void> {
  const misfits = await readMisfits(context.tx, upstream)
  await settleNotices(context, {
    kind: LIMITS_NOTICE,
    subjects: await readSettled(context.tx, upstream, misfits),
  })
  const moved = misfits.filter((service) => hasMoved(service, before.get(service.upstreamService)))
  await raiseNotices(
    context,
    moved.map((service) => noticeOf(service, upstream)),
  )
}

/** Whether every notice of limits that is open still has its reason. */
export async function limitsAreTold(db: Db, upstream: Upstream): Promise<boolean> {
  return (await readSettled(db, upstream, await readMisfits(db, upstream))).length === 0
}

/** A service that is sold here beyond what its upstream takes. */
interface Misfit {
  readonly serviceId: bigint
  readonly upstreamService: string
  readonly type: ServiceType
  readonly minQuantity: bigint
  readonly maxQuantity: bigint
  readonly quantityStep: bigint
  readonly packageQuantity: bigint | null
  readonly least: bigint
  readonly most: bigint
}

function hasMoved(service: Misfit, known: KnownOffer | undefined): boolean {
  if (known === undefined) return false
  const limits: Limits = { least: known.minQuantity, most: known.maxQuantity }
  // Many panels list every Package from 1 to 1, whatever it delivers: that says nothing of it.
  if (service.type === 'Package') return isWithin(orderable(service), limits)
  return limits.least !== service.least || limits.most !== service.most
}

function noticeOf(service: Misfit, upstream: Upstream): NoticeDraft {
  const { packageQuantity } = service
  return {
    kind: LIMITS_NOTICE,
    subject: subjectOf(service, upstream),
    data: {
      service_id: String(service.serviceId),
      upstream: upstream.name,
      upstream_service: service.upstreamService,
      min_quantity: String(service.minQuantity),
      max_quantity: String(service.maxQuantity),
      ...(packageQuantity === null ? {} : { package_quantity: String(packageQuantity) }),
      upstream_min_quantity: String(service.least),
      upstream_max_quantity: String(service.most),
    },
  }
}

/** A service may have several upstreams, of which some take what others do not. */
function subjectOf({ serviceId }: Misfit, { name }: Upstream): string {
  return `${name}/${serviceId}`
}

async function readMisfits(db: Db, upstream: Upstream): Promise<Misfit[]> {
  const { rows } = await sql<Misfit>`
    select s.id as "serviceId", p.upstream_service as "upstreamService", s.type,
      s.min_quantity as "minQuantity", s.max_quantity as "maxQuantity",
      s.quantity_step as "quantityStep", s.package_quantity as "packageQuantity",
      u.min_quantity as least, u.max_quantity as most
    from service_provider p
    join service s on s.id = p.service_id
    join upstream_service u on u.upstream_id = ${BigInt(upstream.id)}
      and u.service = p.upstream_service and u.gone_at is null
    where p.provider = ${upstream.name}
    order by s.id`.execute(db)
  return rows.filter((service) => !isWithin(orderable(service), service))
}

/** What is open of this upstream without a reason: it fits again, or is not asked for there. */
async function readSettled(
  db: Db,
  upstream: Upstream,
  misfits: readonly Misfit[],
): Promise<string[]> {
  const { rows } = await sql<{ subject: string }>`
    select subject from notice
    where kind = ${LIMITS_NOTICE} and closed_at is null
      and data->>'upstream' = ${upstream.name}`.execute(db)
  const wrong = new Set(misfits.map((service) => subjectOf(service, upstream)))
  return rows.flatMap(({ subject }) => (wrong.has(subject) ? [] : [subject]))
}
