import { invalidField } from '../refusal.ts'
import {
  checkAmountField,
  checkRoundTo,
  checkUpstreamCurrency,
  checkUpstreamUrl,
  IN_FLIGHT_MAX,
  MARGIN_PPM_MAX,
  REFUND_AFTER_MINUTES_MAX,
  type UpstreamTerms,
} from './upstream.ts'
import type { TermsColumns } from './upstream-store.ts'

/** What an operator says, checked, as it is kept. Refuses `invalid_input`. */
export function termsColumns(terms: UpstreamTerms): TermsColumns & { url: string } {
  checkWhole(terms.inFlightMax, { pointer: '/in_flight_max', least: 1, most: IN_FLIGHT_MAX })
  checkWhole(terms.refundAfterMinutes, {
    pointer: '/refund_after_minutes',
    least: 1,
    most: REFUND_AFTER_MINUTES_MAX,
  })
  checkMarginPpm(terms.marginPpm)
  return {
    url: checkUpstreamUrl(terms.url),
    currency: checkUpstreamCurrency(terms.currency),
    is_idempotent: terms.isIdempotent,
    in_flight_max: terms.inFlightMax,
    balance_alert:
      terms.balanceAlert === null ? null : checkAmountField(terms.balanceAlert, '/balance_alert'),
    when_failing: terms.whenFailing,
    refund_after_minutes: terms.refundAfterMinutes,
    margin_ppm: terms.marginPpm,
    margin_fixed: checkAmountField(terms.marginFixed, '/margin_fixed'),
    round_to: checkRoundTo(terms.roundTo),
  }
}

export function checkMarginPpm(marginPpm: number): void {
  checkWhole(marginPpm, { pointer: '/margin_percent', least: 0, most: MARGIN_PPM_MAX })
}

function checkWhole(value: number, o: { pointer: string; least: number; most: number }): void {
  if (Number.isInteger(value) && value >= o.least && value <= o.most) return
  throw invalidField(o.pointer, `must be a whole number from ${o.least} to ${o.most}`)
}
