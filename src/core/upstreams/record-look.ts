import { moveEpoch } from '../epoch.ts'
import { raiseNotice, settleNotice } from '../notices/raise-notice.ts'
import type { Operation } from '../operation.ts'
import { followLimits } from './follow-limits.ts'
import { followOffers } from './follow-prices.ts'
import { writeOffers } from './offer-store.ts'
import { readOffers } from './offer-views.ts'
import type { UpstreamBalance, UpstreamOffer } from './upstream-driver.ts'
import { lockUpstream, updateUpstreamRow } from './upstream-store.ts'

const BALANCE_NOTICE = 'upstream.balance_low'
const FAILING_NOTICE = 'upstream.failing'
/** An upstream that is away for less than this is not worth a notice. */
const FAILING_NOTICE_MS = 2 * 60_000
const ERROR_LENGTH_MAX = 300

export interface RecordBalanceInput {
  readonly upstreamId: bigint
  readonly balance: UpstreamBalance
  readonly lookAt: Date
}

/** What an upstream says is left there. Below the alert level the operators are told. */
export const recordBalance: Operation<RecordBalanceInput, null> = {
  name: 'upstream.record_balance',
  permission: 'system',
  async run(context, { upstreamId, balance, lookAt }) {
    const { tx, now } = context
    const { balanceMicros, currency } = balance
    const upstream = await lockUpstream(tx, upstreamId)
    await updateUpstreamRow(tx, upstreamId, {
      balance: balanceMicros,
      balance_at: now,
      // What the operator has said stays.
      currency: upstream.currency ?? currency,
      failing_since: null,
      last_error: null,
      look_at: lookAt,
      lease_worker: null,
      lease_until: null,
    })
    const alert = upstream.balanceAlertMicros
    const notice = { kind: BALANCE_NOTICE, subject: upstream.name }
    if (alert !== null && balanceMicros < BigInt(alert)) {
      await raiseNotice(context, {
        ...notice,
        data: { balance_micros: String(balanceMicros), alert_micros: alert },
      })
    } else {
      await settleNotice(context, notice)
    }
    await settleNotice(context, { kind: FAILING_NOTICE, subject: upstream.name })
    return null
  },
}

export interface RecordFailureInput {
  readonly upstreamId: bigint
  /** One line, without a secret. */
  readonly error: string
  readonly lookAt: Date
}

/** An upstream could not be asked. After a while the operators are told. */
export const recordFailure: Operation<RecordFailureInput, null> = {
  name: 'upstream.record_failure',
  permission: 'system',
  async run(context, { upstreamId, error, lookAt }) {
    const { tx, now } = context
    const upstream = await lockUpstream(tx, upstreamId)
    const since = upstream.failingSince === null ? now : new Date(upstream.failingSince)
    const lastError = error.slice(0, ERROR_LENGTH_MAX).toWellFormed()
    await updateUpstreamRow(tx, upstreamId, {
      failing_since: since,
      last_error: lastError,
      look_at: lookAt,
      lease_worker: null,
      lease_until: null,
    })
    if (now.getTime() - since.getTime() >= FAILING_NOTICE_MS) {
      const data = { error: lastError, since: since.toISOString() }
      await raiseNotice(context, { kind: FAILING_NOTICE, subject: upstream.name, data })
    }
    return null
  },
}

export interface RecordOffersInput {
  readonly upstreamId: bigint
  readonly offers: readonly UpstreamOffer[]
  /** What they are priced in; null: as it said before. */
  readonly currency: string | null
}

/**
 * What an upstream sells now, and what that does to the services here: prices follow, what is gone
 * or costs more is paused with a notice, and what it takes less of is told.
 */
export const recordOffers: Operation<RecordOffersInput, null> = {
  name: 'upstream.record_offers',
  permission: 'system',
  async run(context, { upstreamId, offers, currency }) {
    const { tx, now } = context
    await moveEpoch(tx, 'catalogue')
    const earlier = await lockUpstream(tx, upstreamId)
    const upstream = { ...earlier, currency: earlier.currency ?? currency }
    const before = await readOffers(tx, upstreamId)
    await writeOffers(tx, upstreamId, offers, now)
    await followOffers(context, upstream, before)
    await followLimits(context, upstream, before)
    await updateUpstreamRow(tx, upstreamId, { services_at: now, currency: upstream.currency })
    return null
  },
}

/** The list is as it was: nothing here changes by it. */
export const recordSameOffers: Operation<{ upstreamId: bigint }, null> = {
  name: 'upstream.record_same_offers',
  permission: 'system',
  async run({ tx, now }, { upstreamId }) {
    await updateUpstreamRow(tx, upstreamId, { services_at: now })
    return null
  },
}
