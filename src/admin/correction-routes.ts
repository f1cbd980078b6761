import { type Static, Type } from 'typebox'
import { CORRECTION_STATES, type Correction } from '../core/orders/corrections/correction.ts'
import { listCorrections } from '../core/orders/corrections/correction-views.ts'
import {
  confirmCorrection,
  dismissCorrection,
} from '../core/orders/corrections/decide-correction.ts'
import { monthlyName } from '../core/orders/order-name.ts'
import { invalidField } from '../core/refusal.ts'
import { readId, readIdField, readPage, toPage } from '../http/rest/paging.ts'
import type { RestRoutes } from '../http/rest/rest-routes.ts'
import {
  Amount,
  Count,
  Id,
  IdParams,
  Instant,
  listOf,
  listQuery,
  NoBody,
  NullableInstant,
  nullable,
  oneOf,
  strictObject,
} from '../http/rest/shapes.ts'
import { currencyDecimals, formatAmount, parseAmount } from '../lib/money.ts'
import type { AdminDeps } from './admin-deps.ts'
import { reading, writing } from './schemas.ts'
import { write } from './write.ts'

const CorrectionShape = Type.Object({
  id: Id,
  order_id: Id,
  order_public_id: Type.String({ examples: ['CR-202411-0001'] }),
  part: nullable(Type.Integer({ description: 'Which part of the order it is about' })),
  account_id: Id,
  reported_state: Type.String(),
  remains: Count,
  currency: Type.String(),
  amount: Amount,
  state: oneOf(CORRECTION_STATES),
  decided_by: nullable(Id),
  created_at: Instant,
  decided_at: NullableInstant,
})
const Confirmation = strictObject({
  amount: Type.Optional(Type.String({ description: 'Left out: the amount of the correction' })),
  reason: Type.Optional(Type.String()),
})
const REASON = 'The provider delivered less than it had said.'
const tag = 'Corrections'

/** What providers take back of what they had delivered: for the operator to decide. */
export function registerCorrections(app: RestRoutes, deps: AdminDeps): void {
  app.get(
    '/corrections',
    {
      schema: reading(
        { operationId: 'listCorrections', summary: 'List corrections, newest first', tag },
        {
          querystring: listQuery({
            account_id: Type.Optional(Id),
            state: Type.Optional(oneOf(CORRECTION_STATES)),
          }),
          answer: listOf(CorrectionShape),
        },
      ),
    },
    async ({ query: { account_id, state, ...query } }) => {
      const { limit, from } = readPage('corrections', query)
      const rows = await listCorrections(deps.funnel.database.db, {
        accountId: account_id === undefined ? undefined : readIdField(account_id, '/account_id'),
        state,
        beforeId: from,
        limit: limit + 1,
      })
      return toPage('corrections', { rows, limit, render: show })
    },
  )
  app.post(
    '/corrections/:id/confirm',
    {
      schema: writing(
        { operationId: 'confirmCorrection', summary: 'Give back what was not delivered', tag },
        { params: IdParams, body: Confirmation, answers: { 200: CorrectionShape } },
      ),
    },
    async (request, reply) => {
      const { amount, reason = REASON } = request.body
      const input = {
        correctionId: readId(request.params.id),
        amountMicros: amount === undefined ? null : readAmount(amount),
        reason,
      }
      return show(await write(deps, { request, reply, operation: confirmCorrection, input }))
    },
  )
  app.post(
    '/corrections/:id/dismiss',
    {
      schema: writing(
        { operationId: 'dismissCorrection', summary: 'Give nothing back', tag },
        { params: IdParams, body: NoBody, answers: { 200: CorrectionShape } },
      ),
    },
    async (request, reply) => {
      const input = { correctionId: readId(request.params.id) }
      return show(await write(deps, { request, reply, operation: dismissCorrection, input }))
    },
  )
}

function readAmount(text: string): bigint {
  const micros = parseAmount(text)
  if (micros === undefined) {
    throw invalidField('/amount', 'must be a decimal such as "1.50", up to 6 decimals')
  }
  return micros
}

function show(correction: Correction): Static<typeof CorrectionShape> {
  const { orderId, currency, amountMicros, remains } = correction
  return {
    id: correction.id,
    order_id: orderId,
    order_public_id: monthlyName(BigInt(orderId), new Date(correction.orderCreatedAt)),
    part: correction.part,
    account_id: correction.accountId,
    reported_state: correction.reportedState,
    remains: Number(remains),
    currency,
    amount: formatAmount(BigInt(amountMicros), currencyDecimals(currency)),
    state: correction.state,
    decided_by: correction.decidedBy,
    created_at: correction.createdAt,
    decided_at: correction.decidedAt,
  }
}
