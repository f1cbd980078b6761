import type { Logger } from 'pino'
import { SYSTEM } from '../core/actor.ts'
import { execute, type Funnel } from '../core/execute.ts'
import type { Operation } from '../core/operation.ts'
import { claimUpstreams, type DueUpstream } from '../core/upstreams/claim-upstreams.ts'
import { limitsAreTold } from '../core/upstreams/follow-limits.ts'
import { pricesAreInLine } from '../core/upstreams/follow-prices.ts'
import { isSameList } from '../core/upstreams/is-same-list.ts'
import { readOffers } from '../core/upstreams/offer-views.ts'
import {
  recordBalance,
  recordFailure,
  recordOffers,
  recordSameOffers,
} from '../core/upstreams/record-look.ts'
import type { UpstreamBalance, UpstreamDriver } from '../core/upstreams/upstream-driver.ts'
import type { UpstreamDrivers } from '../core/upstreams/upstream-drivers.ts'
import { readUpstream } from '../core/upstreams/upstream-views.ts'
import { UpstreamFailure } from '../drivers/delivery/api-v2/upstream-failure.ts'
import { type RunningWorker, startWorkerLoop } from './worker-loop.ts'

export interface UpstreamWorkerDeps {
  readonly funnel: Funnel
  readonly upstreams: Pick<UpstreamDrivers, 'upstream' | 'refresh'>
  readonly log: Pick<Logger, 'warn'>
}

const TICK_MS = 1_000
const AT_ONCE = 4
const LOOK_EVERY_MS = 60_000
const SERVICES_EVERY_MS = 10 * 60_000

/**
 * Asks each upstream every minute for its balance, and every ten minutes for its services. Any
 * number of processes share the upstreams; whoever dies in between is followed after two minutes.
 */
export function startUpstreamWorker(deps: UpstreamWorkerDeps): RunningWorker {
  return startWorkerLoop({
    name: 'upstream',
    log: deps.log,
    async step() {
      const due = await claimUpstreams(deps.funnel.database, {
        now: deps.funnel.clock.now(),
        limit: AT_ONCE,
      })
      await Promise.all(due.map((upstream) => lookAt(deps, upstream)))
      return due.length === AT_ONCE ? 0 : TICK_MS
    },
  })
}

async function lookAt(deps: UpstreamWorkerDeps, upstream: DueUpstream): Promise<void> {
  const { funnel, upstreams, log } = deps
  const upstreamId = upstream.id
  const lookAt = new Date(funnel.clock.now().getTime() + LOOK_EVERY_MS)
  // Any process may have connected it, or changed its key, a moment ago.
  await upstreams.refresh()
  const driver = upstreams.upstream(upstream.name)
  if (driver === undefined) throw new Error(`upstream ${upstream.name} has no driver`)
  try {
    const balance = await driver.balance()
    if (areServicesDue(upstream, funnel.clock.now())) {
      await readServices(deps, upstream, driver, balance)
    }
    await run(funnel, recordBalance, { upstreamId, balance, lookAt })
  } catch (error) {
    if (!(error instanceof UpstreamFailure)) throw error
    log.warn({ upstream: upstream.name, reason: error.message }, 'an upstream could not be asked')
    await run(funnel, recordFailure, { upstreamId, error: error.message, lookAt })
  }
}

function areServicesDue({ servicesAt }: DueUpstream, now: Date): boolean {
  return servicesAt === null || now.getTime() - servicesAt.getTime() >= SERVICES_EVERY_MS
}

/** Where nothing has changed the catalogue is left alone, and with it what processes remember. */
async function readServices(
  { funnel }: UpstreamWorkerDeps,
  { id: upstreamId, servicesAt }: DueUpstream,
  driver: UpstreamDriver,
  { currency }: UpstreamBalance,
): Promise<void> {
  const { db } = funnel.database
  const offers = await driver.services()
  const known = await readOffers(db, upstreamId)
  // A list that was lost on the way must not take everything from the shop.
  if (offers.length === 0 && known.size > 0)
    throw new UpstreamFailure('services: the list is empty')
  const upstream = await readUpstream(db, upstreamId)
  const isSame =
    servicesAt !== null &&
    isSameList(known, offers) &&
    (await pricesAreInLine(db, upstream)) &&
    (await limitsAreTold(db, upstream))
  if (isSame) await run(funnel, recordSameOffers, { upstreamId })
  else await run(funnel, recordOffers, { upstreamId, offers, currency })
}

async function run<Input>(
  funnel: Funnel,
  operation: Operation<Input, null>,
  input: Input,
): Promise<void> {
  await execute(funnel, operation, { actor: SYSTEM, input, idempotencyKey: null })
}
