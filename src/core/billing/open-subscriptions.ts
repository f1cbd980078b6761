import { localDay, localMidnight, periodEnd } from '../../lib/periods.ts'
import type { OperationContext } from '../operation.ts'
import { type BillingTerms, scheduleAfter } from './billing-terms.ts'
import { insertSubscriptions, type SubscriptionDraft } from './subscription-store.ts'

export interface ServerToSubscribe {
  readonly serverId: bigint
  readonly accountId: bigint
  readonly planId: bigint
  /** Months. */
  readonly billingCycle: number
  /** From now on the zone of its periods, whatever becomes of the account's. */
  readonly timeZone: string
  /** The first period begins at the local midnight of its day. */
  readonly from: Date
  readonly addons: readonly { readonly addonId: bigint; readonly quantity: number }[]
  readonly autoPay: boolean
  readonly terms: BillingTerms
}

/**
 * Opens the subscription of a new server and one for each of its addons, within the operation that
 * makes the server. The first period is granted: nothing is charged for it. Returns the id of the
 * server's subscription.
 */
export async function openSubscriptions(
  { tx, now, record }: Pick<OperationContext, 'tx' | 'now' | 'record'>,
  server: ServerToSubscribe,
): Promise<bigint> {
  const { accountId, serverId, billingCycle, timeZone, autoPay } = server
  const from = localMidnight(server.from, timeZone)
  const anchorDay = localDay(from, timeZone)
  const to = periodEnd({ from, months: billingCycle, timeZone, anchorDay })
  const shared = { accountId, serverId, billingCycle, timeZone, anchorDay, from, to, autoPay }
  const ofServer: SubscriptionDraft = {
    ...shared,
    ...scheduleAfter(to, server.terms),
    kind: 'server',
    planId: server.planId,
    addonId: null,
    quantity: 1,
  }
  const ofAddons = server.addons.map(
    ({ addonId, quantity }): SubscriptionDraft => ({
      ...shared,
      kind: 'server-addon',
      planId: null,
      addonId,
      quantity,
      nextInvoiceAt: null,
      suspendAt: null,
    }),
  )
  const ids = await insertSubscriptions(tx, { now, drafts: [ofServer, ...ofAddons] })
  for (const subjectId of ids) record({ kind: 'subscription.opened', subjectId, accountId })
  return ids[0]!
}
