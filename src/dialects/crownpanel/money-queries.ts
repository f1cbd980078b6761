import {
  listInvoices as readInvoices,
  serversOfPurchases,
} from '../../core/billing/invoice-views.ts'
import { listMovements } from '../../core/billing/wallet-movements.ts'
import { amountText } from './crownpanel-amounts.ts'
import type { CrownPanelCall } from './crownpanel-deps.ts'
import { serverOf } from './server-queries.ts'
import { unixSeconds } from './unix-seconds.ts'

/** How many invoices and transactions are listed: the newest. */
const LIST_MAX = 100

export async function balance({ deps, actor }: CrownPanelCall): Promise<unknown> {
  return { balance: amountText(await deps.reader.balance(actor)), currency: actor.currency }
}

/** All of the account's, or with `VMID` those of one server. */
export async function listInvoices(call: CrownPanelCall): Promise<unknown> {
  const { deps, actor, fields } = call
  const serverId = fields.vmid?.trim() ? (await serverOf(call)).id : undefined
  const { invoices } = await readInvoices(deps.db, {
    accountId: actor.accountId,
    serverId,
    window: { before: undefined, limit: LIST_MAX },
  })
  const servers = await serversOfPurchases(
    deps.db,
    invoices.map((invoice) => invoice.purchaseId),
  )
  return invoices.map((invoice) => ({
    invoice_id: String(invoice.id),
    // One that renews several servers stands under its first, unless another was asked for.
    vmid: String(serverId ?? servers.get(invoice.purchaseId)?.[0] ?? 0n),
    amount: amountText(invoice.grossMicros),
    status: invoice.state,
    created_on: unixSeconds(invoice.createdAt),
    due_on: unixSeconds(invoice.dueAt),
    paid_on: invoice.paidAt === null ? null : unixSeconds(invoice.paidAt),
  }))
}

export async function listTransactions({ deps, actor }: CrownPanelCall): Promise<unknown> {
  const { movements } = await listMovements(deps.db, {
    accountId: actor.accountId,
    window: { before: undefined, limit: LIST_MAX },
  })
  return movements.map((movement) => ({
    transaction_id: String(movement.id),
    amount: amountText(movement.amountMicros),
    description: movement.description,
    created_on: unixSeconds(movement.createdAt),
  }))
}
