import { readInvoice } from '../../core/billing/invoice-views.ts'
import { payServerRenewal } from '../../core/billing/pay-server-renewal.ts'
import { invalidField, Refusal } from '../../core/refusal.ts'
import type { Scope } from '../../core/scope.ts'
import type { CrownPanelCall } from './crownpanel-deps.ts'
import { balance, listInvoices, listTransactions } from './money-queries.ts'
import { renewalAnswer } from './renewal-answer.ts'
import { bandwidthUsage, listVms, networkInfo, serverOf, vpsInfo } from './server-queries.ts'

interface Query {
  /** What the key needs. */
  readonly scope: Scope
  answer(call: CrownPanelCall): Promise<unknown>
}

/** What `QUERY` can name. */
export const QUERIES: ReadonlyMap<string, Query> = new Map<string, Query>([
  ['renew_service', { scope: 'write:billing', answer: renewService }],
  ['list_vms', { scope: 'read:vm', answer: listVms }],
  ['vps_info', { scope: 'read:vm', answer: vpsInfo }],
  ['network_info', { scope: 'read:vm', answer: networkInfo }],
  ['bandwidth_usage_v2', { scope: 'read:vm', answer: bandwidthUsage }],
  ['balance', { scope: 'read:billing', answer: balance }],
  ['list_invoices', { scope: 'read:billing', answer: listInvoices }],
  ['list_transactions', { scope: 'read:billing', answer: listTransactions }],
])

/** Pays the server's open renewal at once. Refuses what the core's `payServerRenewal` refuses. */
async function renewService(call: CrownPanelCall): Promise<unknown> {
  const { deps, actor, fields, idempotencyKey, reply, query } = call
  const { id: serverId } = await serverOf(call)
  const invoice = fields.invoice_id?.trim()
  const { output, replayed } = await payServerRenewal(deps.payments, {
    actor,
    input: { serverId, invoiceId: invoice ? await invoiceIdOf(call, invoice) : null },
    idempotencyKey,
  })
  if (replayed) reply.header('idempotent-replayed', 'true')
  return renewalAnswer(query, output)
}

async function invoiceIdOf({ deps, actor }: CrownPanelCall, name: string): Promise<bigint> {
  try {
    return (await readInvoice(deps.db, { accountId: actor.accountId, name })).id
  } catch (error) {
    if (error instanceof Refusal && error.code === 'not_found') {
      throw invalidField('/INVOICE_ID', 'Invalid INVOICE_ID.', 'not_found')
    }
    throw error
  }
}
