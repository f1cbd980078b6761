import { Type } from 'typebox'
import { readAccount } from '../core/identity/account-views.ts'
import { readStatement } from '../core/ledger/account-statement.ts'
import { grantCredit } from '../core/ledger/grant-credit.ts'
import { invalidField } from '../core/refusal.ts'
import { readId, readPage, toPage } from '../http/rest/paging.ts'
import type { RestRoutes } from '../http/rest/rest-routes.ts'
import {
  Amount,
  Id,
  IdParams,
  Instant,
  listOf,
  listQuery,
  strictObject,
} from '../http/rest/shapes.ts'
import { currencyDecimals, formatAmount, parseAmount } from '../lib/money.ts'
import type { AdminDeps } from './admin-deps.ts'
import { reading, writing } from './schemas.ts'
import { write } from './write.ts'

const NewCredit = strictObject({
  amount: Type.String({ description: 'A decimal; with a minus it corrects', examples: ['10.00'] }),
  reason: Type.String({ description: 'For people' }),
})
const CreditShape = Type.Object({
  id: Id,
  account_id: Id,
  amount: Amount,
  currency: Type.String(),
  balance: Amount,
  created_at: Instant,
})
const TransactionShape = Type.Object({
  id: Id,
  kind: Type.String({ description: 'What caused it', examples: ['order'] }),
  cause_id: Id,
  amount: Type.String({ description: 'What it adds to the wallet; a minus takes' }),
  currency: Type.String(),
  description: Type.String({ description: 'For people', examples: ['Held for purchase 10001'] }),
  created_at: Instant,
})
const tag = 'Accounts'

/** What moves in an account's wallet. */
export function registerWallets(app: RestRoutes, deps: AdminDeps): void {
  const { db } = deps.funnel.database
  app.post(
    '/accounts/:id/credits',
    {
      schema: writing(
        { operationId: 'grantCredit', summary: 'Give an account money', tag },
        { params: IdParams, body: NewCredit, answers: { 201: CreditShape } },
      ),
    },
    async (request, reply) => {
      const input = {
        accountId: String(readId(request.params.id)),
        amountMicros: String(readSigned(request.body.amount)),
        reason: request.body.reason,
      }
      const credit = await write(deps, { request, reply, operation: grantCredit, input })
      return reply.code(201).send({
        id: credit.id,
        account_id: credit.accountId,
        amount: show(credit.amountMicros, credit.currency),
        currency: credit.currency,
        balance: show(credit.balanceMicros, credit.currency),
        created_at: credit.createdAt,
      })
    },
  )
  app.get(
    '/accounts/:id/transactions',
    {
      schema: reading(
        { operationId: 'listTransactions', summary: 'The statement, newest first', tag },
        { params: IdParams, querystring: listQuery({}), answer: listOf(TransactionShape) },
      ),
    },
    async ({ params, query }) => {
      const { limit, from } = readPage('transactions', query)
      const accountId = readId(params.id)
      await readAccount(db, accountId)
      const asked = { accountId, before: from ?? null, limit: limit + 1 }
      const { entries } = await readStatement(db, asked)
      const rows = entries.map((entry) => ({
        id: String(entry.id),
        kind: entry.causeKind,
        cause_id: String(entry.causeId),
        amount: show(entry.amountMicros, entry.currency),
        currency: entry.currency,
        description: entry.description,
        created_at: entry.createdAt.toISOString(),
      }))
      return toPage('transactions', { rows, limit, render: (row) => row })
    },
  )
}

function show(micros: bigint | string, currency: string): string {
  return formatAmount(BigInt(micros), currencyDecimals(currency))
}

function readSigned(text: string): bigint {
  const negative = text.startsWith('-')
  const size = parseAmount(negative ? text.slice(1) : text)
  if (size === undefined) {
    throw invalidField('/amount', 'must be a decimal such as "10.00", up to 6 decimals')
  }
  return negative ? -size : size
}
