import { type Static, Type } from 'typebox'
import { listInvoices, readInvoice } from '../../core/billing/invoice-views.ts'
import {
  listMovements,
  type Movement,
  type MovementKind,
} from '../../core/billing/wallet-movements.ts'
import { callerOf } from '../../http/rest/caller.ts'
import { readPage, toPage } from '../../http/rest/paging.ts'
import type { RestRoutes } from '../../http/rest/rest-routes.ts'
import { listOf, listQuery, oneOf } from '../../http/rest/shapes.ts'
import { publicIdOf } from '../../lib/ids.ts'
import type { HostupDeps } from './hostup-deps.ts'
import { invoiceText } from './invoice-text.ts'
import { withItems } from './invoice-with-items.ts'
import { InvoiceParams, reading } from './route-options.ts'
import { ActivityShape, InvoiceShape, InvoiceWithItemsShape, SHOWN_STATUSES } from './shapes.ts'
import { amount, instant } from './values.ts'

const scope = 'read:billing'
const tag = 'Billing'

/** Invoices, and what moved the wallet. */
export function registerBilling(app: RestRoutes, deps: HostupDeps): void {
  const { db } = deps.funnel.database
  app.get(
    '/billing/invoices',
    reading(
      { operationId: 'listInvoices', summary: 'List invoices, newest first', tag, scope },
      {
        querystring: listQuery({ status: Type.Optional(oneOf(SHOWN_STATUSES)) }),
        answer: listOf(InvoiceShape),
      },
    ),
    async (request) => {
      const { query } = request
      const { limit, from } = readPage('invoices', query)
      const { invoices } = await listInvoices(db, {
        accountId: callerOf(request).accountId,
        state: query.status,
        window: { before: from, limit: limit + 1 },
      })
      return toPage('invoices', {
        rows: invoices.map((invoice) => ({ id: String(invoice.id), invoice })),
        limit,
        render: ({ invoice }) => invoiceText(invoice),
      })
    },
  )
  app.get(
    '/billing/invoices/:id',
    reading(
      {
        operationId: 'getInvoice',
        summary: 'Get an invoice with its items',
        tag,
        scope,
        problems: [404],
      },
      { params: InvoiceParams, answer: InvoiceWithItemsShape },
    ),
    async (request) => {
      const { accountId } = callerOf(request)
      return await withItems(deps, await readInvoice(db, { accountId, name: request.params.id }))
    },
  )
  app.get(
    '/billing/activity',
    reading(
      {
        operationId: 'listActivity',
        summary: 'List what moved the wallet, newest first',
        description: '`kind` `credit` lists what the operator gave and took back alone.',
        tag,
        scope,
      },
      {
        querystring: listQuery({
          kind: Type.Optional(
            Type.Unsafe<Kind>({ type: 'string', enum: KINDS, default: 'transaction' }),
          ),
        }),
        answer: ActivityShape,
      },
    ),
    async (request) => {
      const { kind = 'transaction', ...query } = request.query
      const list = `activity-${kind}`
      const { limit, from } = readPage(list, query)
      const { movements } = await listMovements(db, {
        accountId: callerOf(request).accountId,
        kind: kind === 'credit' ? 'credit' : 'all',
        window: { before: from, limit: limit + 1 },
      })
      const { data, hasMore, nextCursor } = toPage(list, {
        rows: movements.map((movement) => ({ id: String(movement.id), movement })),
        limit,
        render: ({ movement }) => entryText(movement),
      })
      return { kind, entries: data, hasMore, nextCursor }
    },
  )
}

const KINDS = ['transaction', 'credit'] as const
type Kind = (typeof KINDS)[number]
type Entry = Static<typeof ActivityShape>['entries'][number]

const WALLET = { method: 'wallet', methodLabel: 'Wallet' } as const

/** By which way money has come into the wallet or left it. */
const METHODS: Readonly<Record<MovementKind, Pick<Entry, 'method' | 'methodLabel'>>> = {
  order: WALLET,
  refund: WALLET,
  renewal: WALLET,
  reversal: WALLET,
  credit: { method: 'credit', methodLabel: 'Account credit' },
  card: { method: 'card', methodLabel: 'Saved card' },
}

function entryText(movement: Movement): Entry {
  const { invoice } = movement
  return {
    id: movement.publicId,
    description: movement.description,
    ...METHODS[movement.kind],
    amount: amount(movement.amountMicros),
    currencyCode: movement.currency,
    createdAt: instant(movement.createdAt),
    invoiceId: invoice && publicIdOf('inv', invoice.publicId),
    invoiceNumber: invoice && String(invoice.number),
  }
}
