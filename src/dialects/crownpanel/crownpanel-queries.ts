import { readInvoice } from '../../core/billing/invoice-views.ts'
import {
  type PayServerRenewal,
  payServerRenewal,
} from '../../core/billing/paying/pay-server-renewal.ts'
import { invalidField, Refusal } from '../../core/refusal.ts'
import type { Scope } from '../../core/scope.ts'
import { toldIfReplayed } from '../../http/idempotency-key.ts'
import { parseNumber } from '../../lib/ids.ts'
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
  const input = await renewalOf(call)
  const asked = { actor, input, idempotencyKey }
  return renewalAnswer(query, toldIfReplayed(reply, await payServerRenewal(deps.payments, asked)))
}

/** The server, and the invoice of it that `INVOICE_ID` names; null without one. */
async function renewalOf(call: CrownPanelCall): Promise<PayServerRenewal> {
  const { vmid, invoice_id } = call.fields
  const name = invoice_id?.trim()
  // Whether the server is the caller's, the payment looks up itself.
  const number = name ? undefined : parseNumber(vmid?.trim() ?? '')
  const serverId = number ?? (await serverOf(call)).id
  return { serverId, invoiceId: name ? await invoiceIdOf(call, { name, serverId }) : null }
}

async function invoiceIdOf(
  { deps, actor }: CrownPanelCall,
  o: { name: string; serverId: bigint },
): Promise<bigint> {
  try {
    return (await readInvoice(deps.db, { accountId: actor.accountId, ...o })).id
  } catch (error) {
    if (!(error instanceof Refusal && error.code === 'not_found')) throw error
    throw invalidField('/INVOICE_ID', 'Invalid INVOICE_ID.', 'not_found')
  }
}
