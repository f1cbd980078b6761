import { authorize, authorizeAny } from '../../core/execute.ts'
import { ORDER_READERS } from '../../core/orders/order-reader.ts'
import type { RefillState } from '../../core/orders/refills/refill.ts'
import { type RefillResult, refillOrders } from '../../core/orders/refills/refill-orders.ts'
import { readRefills } from '../../core/orders/refills/refill-views.ts'
import { Refusal } from '../../core/refusal.ts'
import { toldIfReplayed } from '../../http/idempotency-key.ts'
import { askedAlone, askedIds } from './asked-ids.ts'
import type { PanelCall } from './panel-call.ts'
import type { PanelDialect } from './panel-dialect.ts'
import { echoedId } from './panel-texts.ts'

/** `refill`: of one order `{"refill":"1"}`, of several a list in which each has its own answer. */
export async function refill(call: PanelCall): Promise<string> {
  const { dialect, deps, actor, fields, idempotencyKey } = call
  authorize(actor, 'write:orders')
  const one = askedAlone(fields, 'order')
  const orders = one === undefined ? askedIds(fields, 'order') : [one]
  const effect = await refillOrders(deps.refilling, { actor, input: { orders }, idempotencyKey })
  const { results } = toldIfReplayed(call.reply, effect)
  if (one === undefined) return `[${results.map((result) => oneOfMany(dialect, result))}]`
  const [result] = results
  if (result?.refused === null) return `{"refill":"${result.refillId}"}`
  throw refusalOf(result)
}

function oneOfMany(dialect: PanelDialect, result: RefillResult): string {
  const answer = result.refused === null ? result.refillId : errorText(dialect, refusalOf(result))
  return `{"order":${echoedId(result.asked)},"refill":${answer}}`
}

function refusalOf(result: RefillResult | undefined): Refusal {
  if (!result?.refused) throw new Error('a refill that was asked for has no answer')
  const { refused, detail } = result
  return new Refusal(refused, detail === null ? {} : { detail })
}

/** `refill_status`: of one refill `{"status":"Completed"}`, of several a list. */
export async function refillStatus({ dialect, deps, actor, fields }: PanelCall): Promise<string> {
  authorizeAny(actor, ORDER_READERS)
  const one = askedAlone(fields, 'refill')
  const numbers = one === undefined ? askedIds(fields, 'refill') : [one]
  const states = await readRefills(deps.desk, actor, numbers)
  if (one !== undefined) {
    const state = states.get(one)
    if (state === undefined) throw new Refusal('refill_not_found')
    return `{"status":"${STATES[state]}"}`
  }
  const parts = numbers.map((number) => {
    const state = states.get(number)
    const status = state === undefined ? errorText(dialect, UNKNOWN) : `"${STATES[state]}"`
    return `{"refill":${echoedId(number)},"status":${status}}`
  })
  return `[${parts}]`
}

const UNKNOWN = new Refusal('refill_not_found')

function errorText(dialect: PanelDialect, refusal: Refusal): string {
  return JSON.stringify({ error: dialect.refused(refusal).text })
}

const STATES = {
  pending: 'Pending',
  in_progress: 'In progress',
  completed: 'Completed',
  rejected: 'Rejected',
  error: 'Error',
} as const satisfies Record<RefillState, string>
