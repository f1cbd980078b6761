import type { DeliveryStatus } from '../../../core/orders/delivery-driver.ts'
import { isObject, readAmount, readCount } from './panel-values.ts'

type KnownState = Extract<DeliveryStatus, { kind: 'known' }>['state']

/** The words for states, without what is no letter: "In progress", "in_progress", "Inprogress". */
const STATES: Readonly<Record<string, KnownState>> = {
  pending: 'pending',
  awaiting: 'pending',
  queued: 'pending',
  new: 'pending',
  inprogress: 'in_progress',
  processing: 'in_progress',
  active: 'in_progress',
  paused: 'in_progress',
  started: 'in_progress',
  completed: 'completed',
  complete: 'completed',
  done: 'completed',
  finished: 'completed',
  partial: 'partial',
  partiallycompleted: 'partial',
  canceled: 'canceled',
  cancelled: 'canceled',
  refunded: 'canceled',
  failed: 'failed',
  fail: 'failed',
  error: 'failed',
}

/** How one order stands, as an upstream says; unknown where it does not, or in unknown words. */
export function readStatus(said: unknown): DeliveryStatus {
  if (!isObject(said) || typeof said.status !== 'string') return { kind: 'unknown' }
  const state = STATES[said.status.toLowerCase().replace(/[^a-z]/g, '')]
  if (state === undefined) return { kind: 'unknown' }
  const remains = remainsOf(state, said)
  // What was delivered is paid for: without that number nobody knows what is to be given back.
  if (state === 'partial' && remains === null) return { kind: 'unknown' }
  const startCount = readCount(said.start_count)
  return {
    kind: 'known',
    state,
    // "0" is also written while nothing has been counted yet.
    startCount: state === 'pending' && startCount === 0n ? null : startCount,
    remains,
  }
}

function remainsOf(state: KnownState, said: Readonly<Record<string, unknown>>): bigint | null {
  if (state === 'completed') return 0n
  const remains = readCount(said.remains)
  // Some write of an order that they canceled and took nothing for that nothing remains of it.
  const isFree = readAmount(said.charge, 'up') === 0n
  return state === 'canceled' && remains === 0n && isFree ? null : remains
}
