import type { UpstreamPolicy } from '../upstreams/upstream-drivers.ts'
import type { SubmitAnswer } from './delivery-driver.ts'

/**
 * What becomes of an order that was to be handed over.
 * - It is handed over again, or to somebody else, or given back, only where its provider certainly
 *   has not got it. Once an answer was lost, only "accepted" and "refused" are certain: "later"
 *   speaks of the last asking alone.
 * - A provider that knows an order when it comes again is asked until it says; of any other the
 *   order is unconfirmed.
 */
export type DispatchVerdict =
  | { readonly kind: 'accepted'; readonly ref: string; readonly startCount: bigint | null }
  /** Given back: refused by all who could deliver it, or too long in waiting. */
  | { readonly kind: 'failed'; readonly reason: string }
  | {
      readonly kind: 'rerouted'
      readonly to: string
      readonly refused: boolean
      readonly waitMs: number
    }
  /** `certain`: its provider has not got it. */
  | { readonly kind: 'waits'; readonly certain: boolean; readonly waitMs: number }
  | { readonly kind: 'unconfirmed' }

export interface DispatchCase {
  readonly provider: string
  readonly providers: readonly string[]
  readonly refusedBy: readonly string[]
  readonly askedBefore: boolean
  /** For how long its provider may have had it without saying so. */
  readonly uncertainMs: number
  /** For how long its providers have not been able to take it; 0: since now. */
  readonly waitedMs: number
  readonly isIdempotent: boolean
  /** What becomes of orders that it cannot take; undefined: they wait. */
  readonly policy: UpstreamPolicy | undefined
  /** For how long the provider has taken nothing from anybody. */
  readonly failingForMs: number
  /** Whether a provider is there, and takes orders. */
  isAble(provider: string): boolean
}

const MINUTE_MS = 60_000
/** An order leaves a provider that has not been able to take it for so long. */
const PATIENCE_MS = MINUTE_MS
/**
 * A provider that knows orders again is asked for so long: one that does not say by then needs a
 * person to look, and before long it knows them no more.
 */
const UNCERTAIN_MAX_MS = 3 * 1_440 * MINUTE_MS
const WAIT_MIN_MS = 1_000
const WAIT_MAX_MS = 60_000

export function dispatchVerdict(of: DispatchCase, answer: SubmitAnswer): DispatchVerdict {
  switch (answer.kind) {
    case 'accepted':
      return answer
    case 'refused':
      return afterRefusal(of, answer.reason)
    case 'later':
      return of.askedBefore ? whileUncertain(of) : whileUnable(of, answer)
    case 'unknown':
      return of.isIdempotent ? whileUncertain(of) : { kind: 'unconfirmed' }
  }
}

/** Those who might still take it: after the one it is at, then from the first on. */
function others({ provider, providers, refusedBy }: DispatchCase): string[] {
  const at = providers.indexOf(provider)
  return [...providers.slice(at + 1), ...providers.slice(0, Math.max(at, 0))].filter(
    (other) => other !== provider && !refusedBy.includes(other),
  )
}

function afterRefusal(of: DispatchCase, reason: string): DispatchVerdict {
  const left = others(of)
  const to = left.find((other) => of.isAble(other)) ?? left[0]
  return to === undefined
    ? { kind: 'failed', reason }
    : { kind: 'rerouted', to, refused: true, waitMs: 0 }
}

function whileUnable(
  of: DispatchCase,
  { reason, afterMs }: Extract<SubmitAnswer, { kind: 'later' }>,
): DispatchVerdict {
  const patient = of.waitedMs < PATIENCE_MS && of.failingForMs < PATIENCE_MS
  // Those who take others' orders and not this one would hand it on among them for ever.
  const stays = patient || isOverdue({ ...of, waitedMs: of.waitedMs - PATIENCE_MS })
  const to = stays ? undefined : others(of).find((other) => of.isAble(other))
  if (to !== undefined) {
    const overMs = Math.max(0, of.waitedMs - PATIENCE_MS)
    return { kind: 'rerouted', to, refused: false, waitMs: Math.min(overMs / 4, WAIT_MAX_MS) }
  }
  if (isOverdue(of)) return { kind: 'failed', reason }
  return { kind: 'waits', certain: true, waitMs: Math.max(backOffMs(of), afterMs ?? 0) }
}

/** It may be there: nobody else is asked, and nothing is given back without the operator. */
function whileUncertain(of: DispatchCase): DispatchVerdict {
  if (!of.isIdempotent || isOverdue(of) || of.uncertainMs >= UNCERTAIN_MAX_MS) {
    return { kind: 'unconfirmed' }
  }
  return { kind: 'waits', certain: false, waitMs: backOffMs(of) }
}

function isOverdue({ policy, waitedMs }: DispatchCase): boolean {
  return policy?.whenFailing === 'refund' && waitedMs >= policy.refundAfterMinutes * MINUTE_MS
}

function backOffMs({ waitedMs }: DispatchCase): number {
  return Math.max(WAIT_MIN_MS, Math.min(waitedMs / 4, WAIT_MAX_MS))
}
