import { randomUUID } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import { type Call, execute, type Funnel } from '../execute.ts'
import type { Effect, Operation } from '../operation.ts'
import { invalidField, Refusal } from '../refusal.ts'
import { ORDER_IDS_MAX } from './order-reader.ts'

/** How long an order that somebody is just talking about with its provider is waited for. */
const WAIT_MAX_MS = 10_000
const WAIT_STEP_MS = 20
const WAIT_STEP_MAX_MS = 250

/**
 * What a half comes to. Both halves go through the funnel under one name, so that they share the
 * key. Only `settled` ever has an effect, so it is the only one that is stored under the key.
 */
export type AskingStep<Result, Ask> =
  | { readonly kind: 'settled'; readonly results: readonly Result[] }
  | { readonly kind: 'wait' }
  | Ask

/**
 * Does to orders, each answered for itself, what needs their providers: one half takes them under
 * a lease, or settles what needs nobody; the providers are asked outside any transaction; the
 * other half writes what they said. While somebody else has one of them it is waited for.
 *
 * Refuses `invalid_input` and `too_many_ids`, what the halves refuse, and `provider_error` where
 * a provider failed and nothing was done.
 */
export async function reserveAskSettle<
  Input extends { readonly orders: readonly string[] },
  Result extends { readonly refused: string | null },
  Ask extends { readonly kind: 'ask' },
>(
  funnel: Funnel,
  call: Call<Input>,
  halves: {
    reservation(by: { lease: string; patient: boolean }): Operation<Input, AskingStep<Result, Ask>>
    /** Asks the providers; the operation writes what they said. */
    settlement(lease: string, asked: Ask): Promise<Operation<Input, AskingStep<Result, Ask>>>
  },
): Promise<Effect<{ readonly results: readonly Result[] }>> {
  const { orders } = call.input
  if (orders.length === 0) throw invalidField('/orders', 'orders is required', 'missing_required')
  if (orders.length > ORDER_IDS_MAX) throw new Refusal('too_many_ids')
  const lease = randomUUID()
  const patientUntilMs = performance.now() + WAIT_MAX_MS
  for (let stepMs = WAIT_STEP_MS; ; stepMs = Math.min(stepMs * 1.5, WAIT_STEP_MAX_MS)) {
    const patient = performance.now() < patientUntilMs
    const { output, replayed } = await execute(funnel, halves.reservation({ lease, patient }), call)
    if (output.kind === 'settled') return answer(output.results, replayed)
    if (output.kind === 'ask') {
      const settled = await execute(funnel, await halves.settlement(lease, output), call)
      if (settled.output.kind !== 'settled') throw new Error('a settlement only settles')
      return answer(settled.output.results, settled.replayed)
    }
    await pause(stepMs)
  }
}

function answer<Result extends { readonly refused: string | null }>(
  results: readonly Result[],
  replayed: boolean,
): Effect<{ readonly results: readonly Result[] }> {
  const failed = results.some((result) => result.refused === 'provider_error')
  if (failed && !results.some((result) => result.refused === null)) {
    throw new Refusal('provider_error')
  }
  return { output: { results }, replayed }
}
