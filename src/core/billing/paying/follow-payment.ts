import { setTimeout as pause } from 'node:timers/promises'
import type { Db } from '../../../db/database.ts'
import { type EffectKey, keyText } from '../../execute-batch.ts'
import type { Effect } from '../../operation.ts'
import { findChargeState } from './charge-views.ts'
import type { PayOutcome, PayResult } from './payment.ts'
import { readStandings, type Standing } from './payment-store.ts'
import type { Reservation } from './reserve-payments.ts'

const STEP_MS = 20
const STEP_MAX_MS = 250

/**
 * What became of an earlier payment under `key`, which may still be going on: waits for it until
 * `untilMs` (of `performance.now`), and answers as the first was answered.
 */
export async function followPayment(
  db: Db,
  o: {
    readonly kept: Extract<Reservation, { kind: 'kept' }>
    readonly key: EffectKey
    readonly untilMs: number
  },
): Promise<Effect<readonly PayResult[]>> {
  const ids = o.kept.purchases.map(BigInt)
  /** Purchases that were seen with their money held, so that an end without it is a reversal. */
  const held = new Set<bigint>()
  for (let stepMs = STEP_MS; ; stepMs = Math.min(stepMs * 1.5, STEP_MAX_MS)) {
    const chargeState =
      o.kept.charge === undefined ? null : await findChargeState(db, BigInt(o.kept.charge))
    const standings = new Map((await readStandings(db, ids)).map((row) => [row.id, row]))
    const output = ids.map((purchaseId): PayResult => {
      const standing = standings.get(purchaseId)
      if (standing === undefined) throw new Error(`purchase ${purchaseId} is missing`)
      const own = standing.payingKey !== null && keyText(standing.payingKey) === keyText(o.key)
      if (own && standing.state === 'processing') held.add(purchaseId)
      const wasHeld = held.has(purchaseId)
      return { purchaseId, outcome: { kind: outcomeOf(standing, { own, wasHeld, chargeState }) } }
    })
    const open = output.some(({ outcome }) => outcome.kind === 'settling')
    if (!open || performance.now() >= o.untilMs) return { output, replayed: true }
    await pause(stepMs)
  }
}

function outcomeOf(
  { state }: Standing,
  o: {
    readonly own: boolean
    readonly wasHeld: boolean
    readonly chargeState: string | null
  },
): PayOutcome['kind'] {
  if (o.own && state === 'paid') return 'paid'
  if (o.chargeState === 'pending' || (o.own && state === 'processing')) return 'settling'
  if (o.wasHeld || o.chargeState === null) return 'reversed'
  return o.chargeState === 'succeeded' ? 'credit_kept' : 'insufficient_funds'
}
