import { setTimeout as pause } from 'node:timers/promises'
import type { Actor } from '../../actor.ts'
import { type Call, execute } from '../../execute.ts'
import { GroupCommit } from '../../group-commit.ts'
import type { Effect } from '../../operation.ts'
import { isUnavailable } from '../../refusal.ts'
import type { PendingCharge } from './card-charge-store.ts'
import type { ChargeAnswer } from './card-gateway.ts'
import { declineCharge, letGoOfCharge } from './charge-operations.ts'
import { ExtendQueue } from './extend-queue.ts'
import type { PaymentDeps, PayOutcome, PayResult } from './payment.ts'
import { readStandings } from './payment-store.ts'
import {
  type Reservation,
  type ReservedPurchase,
  type ReserveInput,
  reservePayments,
} from './reserve-payments.ts'
import {
  type SettleInput,
  type Settlement,
  settlePayments,
  type Verdict,
} from './settle-payments.ts'

const ASK_AGAIN_MS = 250
/** A gateway that takes longer has not been heard. */
const CHARGE_MAX_MS = 22_000

/** A charge, and the lease under which it is one process's own. */
export interface LeasedCharge {
  readonly charge: PendingCharge
  readonly lease: string
}

/**
 * The steps of paying, each of which may be the last that a process takes: what it leaves is
 * found by whoever looks next. `untilMs` (of `performance.now`) is until when a provider or a
 * gateway whose answer is missing is asked again; it is asked once in any case.
 */
export class PaymentSteps {
  readonly #deps: PaymentDeps
  readonly #reservations: GroupCommit<ReserveInput, Reservation>
  readonly #settlements: GroupCommit<SettleInput, Settlement>
  readonly #extensions: ExtendQueue

  constructor(deps: PaymentDeps) {
    this.#deps = deps
    this.#reservations = new GroupCommit(deps.funnel, reservePayments)
    this.#settlements = new GroupCommit(deps.funnel, settlePayments(deps.terms))
    this.#extensions = new ExtendQueue(deps.compute, deps.log)
  }

  /** Sets the money aside, or says why not. Refuses what `reservePayments` refuses. */
  async reserve(call: Call<ReserveInput>): Promise<Effect<Reservation>> {
    return await this.#reservations.execute(call)
  }

  /** Asks the provider of a purchase whose money is set aside, and settles by what it says. */
  async finish(actor: Actor, reserved: ReservedPurchase, untilMs: number): Promise<PayOutcome> {
    const verdicts = new Map<bigint, Verdict>()
    for (let stepMs = ASK_AGAIN_MS; ; stepMs *= 2) {
      await this.ask(reserved, verdicts)
      const open = reserved.lines.some((line) => !verdicts.has(line.serverId))
      if (!open || performance.now() + stepMs >= untilMs) break
      await pause(stepMs)
    }
    return await this.settle(actor, { reserved, verdicts })
  }

  /** Adds what the provider says for good of servers that it has not said it of yet. */
  async ask(reserved: ReservedPurchase, verdicts: Map<bigint, Verdict>): Promise<void> {
    await Promise.all(
      reserved.lines.map(async ({ kind, serverId, provider, providerRef, periodTo }) => {
        if (kind !== 'server' || verdicts.has(serverId)) return
        const request = { ref: providerRef, until: periodTo }
        const answer = await this.#extensions.extend(provider, request)
        if (answer.kind !== 'unknown') verdicts.set(serverId, answer.kind)
      }),
    )
  }

  /** Settles a purchase, or lets go of it where the provider has not said all. */
  async settle(actor: Actor, input: SettleInput): Promise<PayOutcome> {
    try {
      const { output } = await this.#settlements.execute({ actor, input, idempotencyKey: null })
      return { kind: output === 'lost' ? await this.#found(input.reserved) : output }
    } catch (error) {
      // The money is held: it is settled once the database can be written again.
      if (isUnavailable(error)) return { kind: 'settling' }
      throw error
    }
  }

  /** What became of a purchase that somebody else has taken over. */
  async #found({ purchase }: ReservedPurchase): Promise<'paid' | 'reversed' | 'settling'> {
    const [standing] = await readStandings(this.#deps.funnel.database.db, [purchase.id])
    if (standing?.state === 'paid') return 'paid'
    return standing?.state === 'processing' ? 'settling' : 'reversed'
  }

  /** Charges a card until its gateway has answered, then goes on with what it was charged for. */
  async charge(
    actor: Actor,
    { charge, lease }: LeasedCharge,
    untilMs: number,
  ): Promise<readonly PayResult[]> {
    const all = (kind: PayOutcome['kind']) =>
      charge.purchaseIds.map((purchaseId) => ({ purchaseId, outcome: { kind } }))
    const { funnel } = this.#deps
    const answer = await this.#askGateway(charge, untilMs)
    switch (answer.kind) {
      case 'unknown':
        await execute(funnel, letGoOfCharge, {
          actor,
          input: { id: charge.id, lease },
          idempotencyKey: null,
        })
        return all('settling')
      case 'declined':
        await execute(funnel, declineCharge, { actor, input: charge, idempotencyKey: null })
        return all('insufficient_funds')
      case 'charged': {
        const reservation = await this.book(actor, charge)
        if (reservation.kind === 'decided') return reservation.results
        if (reservation.kind !== 'reserved') return all('settling')
        return await this.finishAll(actor, reservation.purchases, untilMs)
      }
    }
  }

  /** Books a charge that was made, and sets aside what it was made for, together. */
  async book(actor: Actor, charge: PendingCharge): Promise<Reservation> {
    const selection = { purchaseIds: charge.purchaseIds, mayUseCard: false }
    const input = { selection, patient: false, charged: charge }
    return (await this.reserve({ actor, input, idempotencyKey: null })).output
  }

  async finishAll(
    actor: Actor,
    purchases: readonly ReservedPurchase[],
    untilMs: number,
  ): Promise<readonly PayResult[]> {
    return await Promise.all(
      purchases.map(async (reserved) => ({
        purchaseId: reserved.purchase.id,
        outcome: await this.finish(actor, reserved, untilMs),
      })),
    )
  }

  async #askGateway(charge: PendingCharge, untilMs: number): Promise<ChargeAnswer> {
    for (let stepMs = ASK_AGAIN_MS; ; stepMs *= 2) {
      const answer = await this.#askGatewayOnce(charge)
      if (answer.kind !== 'unknown' || performance.now() + stepMs >= untilMs) return answer
      await pause(stepMs)
    }
  }

  async #askGatewayOnce(charge: PendingCharge): Promise<ChargeAnswer> {
    const { cards, log } = this.#deps
    const { id: chargeId, cardRef, amountMicros, currency } = charge
    const about = { gateway: charge.gateway, charge: String(chargeId) }
    const gateway = cards.get(charge.gateway)
    if (gateway === undefined) {
      log.warn(about, 'no driver charges the cards of this gateway')
      return { kind: 'unknown' }
    }
    const timeout = new AbortController()
    try {
      const late = pause(CHARGE_MAX_MS, undefined, { signal: timeout.signal })
      late.catch(() => {})
      const asked = gateway.charge({ chargeId, cardRef, amountMicros, currency })
      const answer = (await Promise.race([asked, late])) ?? ({ kind: 'unknown' } as const)
      if (answer.kind === 'unknown') log.warn(about, 'a gateway has not said whether it charged')
      if (answer.kind === 'declined') {
        log.warn({ ...about, reason: answer.reason }, 'a gateway declined a charge')
      }
      return answer
    } catch (err) {
      log.warn({ ...about, err }, 'a gateway could not be asked to charge')
      return { kind: 'unknown' }
    } finally {
      timeout.abort()
    }
  }
}
