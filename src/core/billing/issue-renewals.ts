import { localMidnight } from '../../lib/periods.ts'
import type { OperationContext } from '../operation.ts'
import { Refusal } from '../refusal.ts'
import type { PromoTerms } from './promo-terms.ts'
import { insertPurchases, type PurchaseDraft, readStandingLines } from './purchase-store.ts'
import { type RenewableServer, readRenewables } from './renewable-views.ts'
import { renewalTerms } from './renewal-lines.ts'
import { endLeftOut, setNextInvoice } from './subscription-store.ts'

/** One renewal to be made out, for servers of one account. */
export interface RenewalRequest {
  /** Of the servers; locked. */
  readonly subscriptionIds: readonly bigint[]
  /** Months, for this renewal only; null: each subscription's own. */
  readonly billingCycle: number | null
  readonly promo: PromoTerms | null
  /** The subscriptions of the addons that stay; null: all. */
  readonly addonIds: readonly bigint[] | null
}

export interface IssuedRenewal {
  readonly purchaseId: bigint
  readonly outcome: 'created' | 'existing'
}

/**
 * Makes out renewals whose subscriptions are locked: one purchase for each request, and an answer
 * for each in their order. A request whose periods an open purchase stands for already gets that
 * one, where it is for the same servers, else `existing_invoice_blocking`; what else is refused,
 * see `renewalTerms`. No subscription is named twice. Some ten statements, however many requests
 * there are, so that one renewal and a run of a hundred thousand are the same code.
 */
export async function issueRenewals(
  context: OperationContext,
  requests: readonly RenewalRequest[],
): Promise<(IssuedRenewal | Refusal)[]> {
  const { tx, now } = context
  const servers = await readRenewables(
    tx,
    requests.flatMap(({ subscriptionIds, billingCycle }) =>
      subscriptionIds.map((subscriptionId) => ({ subscriptionId, billingCycle })),
    ),
  )
  const serverOf = new Map(servers.map((server) => [server.subscriptionId, server]))
  const renewedBy = await countServersOfOpen(context, servers)
  const drafts: PurchaseDraft[] = []
  const decided = requests.map((request) =>
    refusalOr(() => {
      const asked = request.subscriptionIds.map((id) => serverOf.get(id)!)
      const existing = openPurchaseFor(asked, renewedBy)
      if (existing === null) drafts.push(draftOf(asked, { ...request, now }))
      return existing
    }),
  )
  const made = await insertPurchases(tx, { now, drafts })
  for (const [at, subjectId] of made.entries()) {
    const { accountId } = drafts[at]!
    context.record({ kind: 'purchase.created', subjectId, accountId })
  }
  const leftOut = servers.flatMap((server) => server.leftOutIds)
  for (const { id, accountId } of await endLeftOut(tx, { now, ids: leftOut })) {
    context.record({ kind: 'subscription.ended', subjectId: id, accountId })
  }
  const ids = requests.flatMap((request, at) =>
    decided[at] instanceof Refusal ? [] : request.subscriptionIds,
  )
  await setNextInvoice(tx, { now, ids, at: null })
  const created = made.values()
  return decided.map((existing) => {
    if (existing instanceof Refusal) return existing
    if (existing !== null) return { purchaseId: existing, outcome: 'existing' }
    return { purchaseId: created.next().value!, outcome: 'created' }
  })
}

function refusalOr<T>(body: () => T): T | Refusal {
  try {
    return body()
  } catch (error) {
    if (error instanceof Refusal) return error
    throw error
  }
}

/** How many servers each of the open purchases renews. */
async function countServersOfOpen(
  { tx }: OperationContext,
  servers: readonly RenewableServer[],
): Promise<ReadonlyMap<bigint, number>> {
  const purchaseIds = [...new Set(servers.flatMap((server) => server.openPurchaseId ?? []))]
  if (purchaseIds.length === 0) return new Map()
  const counts = new Map<bigint, number>()
  for (const { purchaseId, kind } of await readStandingLines(tx, { purchaseIds })) {
    if (kind === 'server') counts.set(purchaseId, (counts.get(purchaseId) ?? 0) + 1)
  }
  return counts
}

/** Null: none of the servers waits for one. Refuses `existing_invoice_blocking`. */
function openPurchaseFor(
  asked: readonly RenewableServer[],
  renewedBy: ReadonlyMap<bigint, number>,
): bigint | null {
  const open = asked.find((server) => server.openPurchaseId !== null)?.openPurchaseId ?? null
  if (open === null) return null
  const isSame =
    renewedBy.get(open) === asked.length && asked.every((server) => server.openPurchaseId === open)
  if (isSame) return open
  throw new Refusal('existing_invoice_blocking', {
    detail: `Order ${open} is open for some of these servers, or for others with them.`,
  })
}

/** How a purchase of these servers' next periods is made out. Refuses as `renewalTerms`. */
function draftOf(
  servers: readonly RenewableServer[],
  o: Pick<RenewalRequest, 'promo' | 'addonIds'> & { now: Date },
): PurchaseDraft {
  const first = servers[0]!
  const terms = renewalTerms(servers, o)
  const autoPay = servers.every((server) => server.autoPay)
  const dueAt = new Date(Math.min(...servers.map((server) => server.expiresAt.getTime())))
  return {
    ...terms,
    accountId: first.accountId,
    autoPay,
    dueAt,
    payAt: autoPay || terms.grossMicros === 0n ? dueAt : null,
    issuedOn: localMidnight(o.now, first.accountTimeZone),
  }
}
