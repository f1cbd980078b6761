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
  const { deps, actor, idempotencyKey, reply, query } = call
  const { id: serverId } = await serverOf(call)
  const { output, replayed } = await payServerRenewal(deps.payments, {
    actor,
    input: { serverId, invoiceId: await invoiceOf(call, serverId) },
    idempotencyKey,
  })
  if (replayed) reply.header('idempotent-replayed', 'true')
  return renewalAnswer(query, output)
}

/** The server's invoice that `INVOICE_ID` names; null without one. */
async function invoiceOf(call: CrownPanelCall, serverId: bigint): Promise<bigint | null> {
  const name = call.fields.invoice_id?.trim()
  if (!name) return null
  const { accountId } = call.actor
  try {
    return (await readInvoice(call.deps.db, { accountId, name, serverId })).id
  } catch (error) {
    if (!(error instanceof Refusal && error.code === 'not_found')) throw error
    throw invalidField('/INVOICE_ID', 'Invalid INVOICE_ID.', 'not_found')
  }
}
