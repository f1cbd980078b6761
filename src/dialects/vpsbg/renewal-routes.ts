import { type Static, Type } from 'typebox'
import { quoteRenewal, type RenewalQuote } from '../../core/billing/quote-renewal.ts'
import { renewServers } from '../../core/billing/renew-servers.ts'
import { callerOf } from '../../http/rest/caller.ts'
import type { RestRoutes } from '../../http/rest/rest-routes.ts'
import { Names, refusingField, serverIdsOf, UNKNOWN_SERVER } from './names.ts'
import { writeOrder } from './order-writes.ts'
import { reading, writing } from './route-options.ts'
import { sendJson } from './send-json.ts'
import { OrderShape, QuoteShape } from './shapes.ts'
import { BillingCycle, PromoCode, promoCodeOf, refusingCycle } from './terms-asked.ts'
import { amount, percent } from './values.ts'
import type { VpsbgDeps } from './vpsbg-deps.ts'

const RenewBody = Type.Object(
  {
    server_ids: Names,
    billing_cycle: Type.Optional(BillingCycle),
    promo_code: Type.Optional(PromoCode),
  },
  { examples: [{ server_ids: [3321], billing_cycle: 3, promo_code: 'string' }] },
)
const scope = 'write:billing'
const tag = 'Servers'

/** Renewals: the order for one, and what it would come to. */
export function registerRenewals(app: RestRoutes, deps: VpsbgDeps): void {
  const { funnel } = deps
  app.post(
    '/servers/renew',
    writing(
      {
        operationId: 'renewServers',
        summary: 'Renew server',
        description:
          'Creates a renew order for your servers and their addons. Nothing is paid by it: ' +
          '`POST /v1/orders/pay` does that, or `auto_pay` at `due_at`. Where an unpaid order for ' +
          'the same servers exists, that one is answered, changed to what is asked for: what is ' +
          'left out stays as it is, but a promo code that a new cycle excludes falls away.',
        tag,
        scope,
        refuses: ['existing_invoice_blocking', 'invalid_state', 'not_sold', 'resource_locked'],
      },
      { body: RenewBody, answer: OrderShape },
    ),
    async (request, reply) => {
      const asked = await readRenewal(deps, callerOf(request).accountId, request.body)
      const input = { ...asked, addonIds: null, existing: 'change' as const }
      const text = await refusingTerms(asked, () =>
        writeOrder(deps, { request, reply, operation: renewServers, input }),
      )
      return sendJson(reply, text)
    },
  )
  app.post(
    '/servers/renew/calculate',
    reading(
      {
        operationId: 'calculateRenewal',
        summary: 'Calculate renew amount',
        description: 'What a renew order made out now would come to. Nothing is changed.',
        tag,
        scope,
        refuses: ['invalid_state', 'not_sold'],
      },
      { body: RenewBody, answer: QuoteShape },
    ),
    async (request, reply) => {
      const { accountId } = callerOf(request)
      const asked = await readRenewal(deps, accountId, request.body)
      const quote = await refusingTerms(asked, () =>
        quoteRenewal(funnel.database.db, { accountId, ...asked, now: funnel.clock.now() }),
      )
      return sendJson(reply, quoteText(quote))
    },
  )
}

interface RenewalAsked {
  readonly serverIds: readonly bigint[]
  readonly billingCycle: number | null
  readonly promoCode: string | null
}

async function readRenewal(
  deps: VpsbgDeps,
  accountId: bigint,
  body: Static<typeof RenewBody>,
): Promise<RenewalAsked> {
  const promoCode = promoCodeOf(body.promo_code)
  const serverIds = await serverIdsOf(deps.servers, accountId, body.server_ids)
  return { serverIds, billingCycle: body.billing_cycle ?? null, promoCode }
}

/** What is wrong with the servers or the cycle asked for is the fault of that field. */
function refusingTerms<T>(asked: RenewalAsked, body: () => Promise<T>): Promise<T> {
  return refusingField('/server_ids', UNKNOWN_SERVER, () => refusingCycle(asked.billingCycle, body))
}

function quoteText(quote: RenewalQuote): Static<typeof QuoteShape> {
  const { promo } = quote
  return {
    amount: amount(quote.netMicros),
    amount_with_vat: amount(quote.grossMicros),
    discount: amount(quote.discountNetMicros),
    discount_with_vat: amount(quote.discountGrossMicros),
    promo_code: promo && {
      code: promo.code,
      percentage: percent(promo.percentPpm),
      minimum_billing_cycle: promo.minimumBillingCycle,
      due_today_amount: amount(quote.netMicros),
      due_today_amount_with_vat: amount(quote.grossMicros),
      promo_amount: amount(quote.discountNetMicros),
    },
  }
}
