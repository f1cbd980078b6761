import { type Static, Type } from 'typebox'
import { listInvoices } from '../../core/billing/invoice-views.ts'
import { listMovements, type Movement } from '../../core/billing/wallet-movements.ts'
import { readWallet, type WalletView } from '../../core/billing/wallet-views.ts'
import { callerOf } from '../../http/rest/caller.ts'
import type { RestRoutes } from '../../http/rest/rest-routes.ts'
import { invoiceText } from './order-text.ts'
import { PAGE_QUERY, pageShape, toPage, windowOf } from './pages.ts'
import { reading } from './route-options.ts'
import { sendJson } from './send-json.ts'
import { BalanceShape, InvoiceShape, TransactionShape } from './shapes.ts'
import { amount, idNumber, instant } from './values.ts'
import type { VpsbgDeps } from './vpsbg-deps.ts'

const scope = 'read:billing'
const PageQuery = Type.Object(PAGE_QUERY)

/** The wallet, what has moved in it, and the invoices. */
export function registerBalance(app: RestRoutes, deps: VpsbgDeps): void {
  const { database, clock } = deps.funnel
  app.get(
    '/balance',
    reading(
      { operationId: 'getBalance', summary: 'Get balance', tag: 'Balance', scope },
      { answer: BalanceShape },
    ),
    async (request, reply) => {
      const { accountId } = callerOf(request)
      const wallet = await readWallet(database.db, { accountId, now: clock.now() })
      return sendJson(reply, balanceText(wallet))
    },
  )
  app.get(
    '/balance/transactions',
    reading(
      {
        operationId: 'listTransactions',
        summary: 'List balance transactions',
        tag: 'Balance',
        scope,
      },
      { querystring: PageQuery, answer: pageShape(TransactionShape, '/v1/balance/transactions') },
    ),
    async (request, reply) => {
      const { query } = request
      const { accountId } = callerOf(request)
      const window = windowOf(query)
      const { movements, total } = await listMovements(database.db, { accountId, window })
      const rows = movements.map(transactionText)
      return sendJson(reply, toPage({ request, query, ...deps }, { rows, total }))
    },
  )
  app.get(
    '/invoices',
    reading(
      { operationId: 'listInvoices', summary: 'List invoices', tag: 'Invoices', scope },
      { querystring: PageQuery, answer: pageShape(InvoiceShape, '/v1/invoices') },
    ),
    async (request, reply) => {
      const { query } = request
      const { accountId } = callerOf(request)
      const window = windowOf(query)
      const { invoices, total } = await listInvoices(database.db, { accountId, window })
      const rows = invoices.map(invoiceText)
      return sendJson(reply, toPage({ request, query, ...deps }, { rows, total }))
    },
  )
}

function balanceText(wallet: WalletView): Static<typeof BalanceShape> {
  const { balanceMicros, expectedExpensesMicros, lastDeposit } = wallet
  const short = expectedExpensesMicros - balanceMicros
  return {
    balance: amount(balanceMicros),
    balance_limit: amount(0n),
    estimated_expenses: amount(expectedExpensesMicros),
    shortfall: amount(short > 0n ? short : 0n),
    currency: wallet.currency,
    has_valid_card: wallet.hasCard,
    // No tax is due on a deposit: what was paid in is what the balance has.
    last_deposit: lastDeposit && {
      amount: amount(lastDeposit.amountMicros),
      amount_with_vat: amount(lastDeposit.amountMicros),
      payment_method: lastDeposit.method === 'card' ? 'card' : 'bank',
      payment_date: instant(lastDeposit.at),
    },
    unconfirmed_bitcoin_deposits: [],
  }
}

function transactionText(movement: Movement): Static<typeof TransactionShape> {
  return {
    id: idNumber(movement.id),
    type: movement.kind,
    amount: amount(movement.amountMicros),
    balance_after: amount(movement.balanceAfterMicros),
    currency: movement.currency,
    description: movement.description,
    order_id: movement.purchaseId === null ? null : idNumber(movement.purchaseId),
    created_at: instant(movement.createdAt),
  }
}
