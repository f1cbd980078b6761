import type { Static } from 'typebox'
import type { Invoice } from '../../core/billing/purchase.ts'
import { REFUSALS, type RefusalCode } from '../../core/refusal.ts'
import type { Server } from '../../core/servers/server.ts'
import { PROBLEMS } from '../../http/rest/problems.ts'
import { type InvoiceShape, VPS_ACTIONS, type VpsShape } from './shapes.ts'

type VpsActions = Static<typeof VpsShape>['actions']
type Gate = VpsActions['canRenew']

/**
 * What can be done with a server now. A gate that is closed says with which code the call would be
 * refused. `unpaid` is the invoice of a renewal that was made out before.
 */
export function vpsActions(server: Server, unpaid: Invoice | undefined): VpsActions {
  const missing = closed('feature_unavailable')
  const gates = Object.fromEntries(VPS_ACTIONS.map((name) => [name, missing])) as VpsActions
  return { ...gates, canRenew: renewGate(server, unpaid) }
}

/** Nothing that can be done with a server is kept from its owner but by the server's own state. */
function renewGate(server: Server, unpaid: Invoice | undefined): Gate {
  if (server.state === 'terminated' || !server.subscription.active) return closed('invalid_state')
  if (server.suspendedFor === 'abuse') return closed('invalid_state')
  if (unpaid !== undefined) return closed('existing_invoice_blocking')
  return server.subscription.renewal === null ? closed('not_sold') : OPEN
}

export function invoiceActions(invoice: Invoice): Static<typeof InvoiceShape>['actions'] {
  switch (invoice.state) {
    case 'unpaid':
      return { canPay: OPEN }
    case 'paid':
      return { canPay: closed('already_paid') }
    case 'cancelled':
      return { canPay: closed('invalid_state') }
  }
}

const OPEN: Gate = { allowed: true, reason: null, code: null }

function closed(code: RefusalCode): Gate {
  return { allowed: false, reason: REFUSALS[code], code: PROBLEMS[code].code }
}
