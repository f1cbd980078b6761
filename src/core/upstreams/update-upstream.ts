import { formatAmount } from '../../lib/money.ts'
import type { Operation } from '../operation.ts'
import type { SecretBox } from '../secret-box.ts'
import {
  checkAmountField,
  checkUpstreamKey,
  type Upstream,
  type UpstreamState,
  type UpstreamTerms,
} from './upstream.ts'
import { deleteMargin, lockUpstream, updateUpstreamRow, upsertMargin } from './upstream-store.ts'
import { checkMarginPpm, termsColumns } from './upstream-terms.ts'
import { readUpstream } from './upstream-views.ts'

type Changes = { readonly [Field in keyof UpstreamTerms]?: UpstreamTerms[Field] | undefined } & {
  readonly apiKey?: string | undefined
  readonly state?: UpstreamState | undefined
}

export type UpdateUpstreamInput = Changes & { readonly upstreamId: bigint }

/**
 * Changes what is given, pauses or resumes. A paused upstream is handed no orders; those that it
 * has are followed. Its services and balance are looked at again at once, so that new margins
 * reach the prices. Refuses `not_found` and `invalid_input`.
 */
export function updateUpstream(secrets: SecretBox): Operation<UpdateUpstreamInput, Upstream> {
  return {
    name: 'upstream.update',
    permission: 'operator',
    secretive: true,
    async run({ tx, now, record }, { upstreamId, apiKey, state, ...changes }) {
      const before = await lockUpstream(tx, upstreamId)
      const given = Object.entries(changes).filter(([, value]) => value !== undefined)
      const terms = { ...termsOf(before), ...(Object.fromEntries(given) as Partial<UpstreamTerms>) }
      await updateUpstreamRow(tx, upstreamId, {
        ...termsColumns(terms),
        ...(apiKey === undefined
          ? {}
          : { api_key: secrets.seal('upstream key', checkUpstreamKey(apiKey)) }),
        ...(state === undefined ? {} : { state }),
        services_at: null,
        look_at: now,
        updated_at: now,
      })
      const fields = given.map(([field]) => field)
      if (apiKey !== undefined) fields.push('apiKey')
      if (state !== undefined) fields.push('state')
      record({ kind: 'upstream.updated', subjectId: upstreamId, accountId: null, data: { fields } })
      return await readUpstream(tx, upstreamId)
    },
  }
}

function termsOf(upstream: Upstream): UpstreamTerms {
  const amount = (micros: string) => formatAmount(BigInt(micros), 0)
  return {
    url: upstream.url,
    currency: upstream.currency,
    isIdempotent: upstream.isIdempotent,
    inFlightMax: upstream.inFlightMax,
    balanceAlert: upstream.balanceAlertMicros === null ? null : amount(upstream.balanceAlertMicros),
    whenFailing: upstream.whenFailing,
    refundAfterMinutes: upstream.refundAfterMinutes,
    marginPpm: upstream.marginPpm,
    marginFixed: amount(upstream.marginFixedMicros),
    roundTo: amount(upstream.roundToMicros),
  }
}

export interface SetMarginInput {
  readonly upstreamId: bigint
  readonly categoryId: bigint
  readonly marginPpm: number
  readonly marginFixed: string
}

/** Services of a category cost so much more, instead of the upstream's margin. */
export const setCategoryMargin: Operation<SetMarginInput, Upstream> = {
  name: 'upstream_margin.set',
  permission: 'operator',
  async run({ tx, now, record }, { upstreamId, categoryId, marginPpm, marginFixed }) {
    await lockUpstream(tx, upstreamId)
    checkMarginPpm(marginPpm)
    const fixedMicros = checkAmountField(marginFixed, '/margin_fixed')
    await upsertMargin(tx, { upstreamId, categoryId, marginPpm, fixedMicros })
    await updateUpstreamRow(tx, upstreamId, { services_at: null, look_at: now })
    record({
      kind: 'upstream.margin_set',
      subjectId: upstreamId,
      accountId: null,
      data: { category: String(categoryId), margin_ppm: marginPpm },
    })
    return await readUpstream(tx, upstreamId)
  },
}

/** The upstream's margin holds for the category again. Refuses `not_found`. */
export const removeCategoryMargin: Operation<{ upstreamId: bigint; categoryId: bigint }, Upstream> =
  {
    name: 'upstream_margin.remove',
    permission: 'operator',
    async run({ tx, now, record }, { upstreamId, categoryId }) {
      await lockUpstream(tx, upstreamId)
      await deleteMargin(tx, { upstreamId, categoryId })
      await updateUpstreamRow(tx, upstreamId, { services_at: null, look_at: now })
      const data = { category: String(categoryId) }
      record({ kind: 'upstream.margin_removed', subjectId: upstreamId, accountId: null, data })
      return await readUpstream(tx, upstreamId)
    },
  }
