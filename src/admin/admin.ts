import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { Refusal } from '../core/refusal.ts'
import { prepareRest } from '../http/rest/prepare-rest.ts'
import { registerAccountOrders } from './account-order-routes.ts'
import { registerAccounts, registerUsers } from './account-routes.ts'
import { registerAddons } from './addon-routes.ts'
import type { AdminDeps } from './admin-deps.ts'
import { authenticate } from './caller.ts'
import { registerCards } from './card-routes.ts'
import { registerCategories } from './category-routes.ts'
import { registerCorrections } from './correction-routes.ts'
import { registerEvents } from './event-routes.ts'
import { registerFollowedOrders } from './followed-order-routes.ts'
import { registerKeys } from './key-routes.ts'
import { registerLedger } from './ledger-routes.ts'
import { registerManualOrders } from './manual-routes.ts'
import { registerNotices } from './notice-routes.ts'
import { registerOperators } from './operator-routes.ts'
import { registerOrders } from './order-routes.ts'
import { registerPlans } from './plan-routes.ts'
import { registerAccountPrices, registerDiscountGroups } from './pricing-routes.ts'
import { registerPromoCodes } from './promo-code-routes.ts'
import { registerProviders } from './provider-routes.ts'
import { registerInvoices, registerPurchases } from './purchase-routes.ts'
import { registerRefills } from './refill-routes.ts'
import { registerServers } from './server-routes.ts'
import { registerServices } from './service-routes.ts'
import { registerSession, registerSignIn } from './session-routes.ts'
import { registerSimulated } from './simulated-routes.ts'
import { registerSubscriptions } from './subscription-routes.ts'
import { registerTaxProfiles } from './tax-profile-routes.ts'
import { registerTestClock } from './test-clock-routes.ts'
import { registerUnconfirmed } from './unconfirmed-routes.ts'
import { registerUpstreams } from './upstream-routes.ts'
import { registerWallets } from './wallet-routes.ts'
import { registerWebhooks } from './webhook-routes.ts'

const SIGNED_IN_ROUTES = [
  registerSession,
  registerAccounts,
  registerUsers,
  registerWallets,
  registerKeys,
  registerCategories,
  registerServices,
  registerDiscountGroups,
  registerAccountPrices,
  registerPlans,
  registerAddons,
  registerPromoCodes,
  registerServers,
  registerSubscriptions,
  registerPurchases,
  registerInvoices,
  registerTaxProfiles,
  registerCards,
  registerOrders,
  registerAccountOrders,
  registerFollowedOrders,
  registerRefills,
  registerCorrections,
  registerUnconfirmed,
  registerManualOrders,
  registerWebhooks,
  registerProviders,
  registerUpstreams,
  registerNotices,
  registerSimulated,
  registerLedger,
  registerEvents,
  registerOperators,
  registerTestClock,
]

/** The operator API. Everything but signing in needs an operator's key or session. */
export async function registerAdmin(app: FastifyInstance, deps: AdminDeps): Promise<void> {
  app.decorateRequest('caller', null)
  const identify = async (request: FastifyRequest, reply: FastifyReply): Promise<void> => {
    request.caller = await authenticate(deps, request, reply)
  }
  await app.register(
    (scope, _options, done) => {
      prepareRest(scope, deps)
      scope.setNotFoundHandler({ preHandler: identify }, () => {
        throw new Refusal('not_found', { detail: 'There is no such address.' })
      })
      scope.register((open, _none, ready) => {
        registerSignIn(open.withTypeProvider<TypeBoxTypeProvider>(), deps)
        ready()
      })
      scope.register((closed, _none, ready) => {
        closed.addHook('onRequest', identify)
        const typed = closed.withTypeProvider<TypeBoxTypeProvider>()
        for (const routes of SIGNED_IN_ROUTES) routes(typed, deps)
        ready()
      })
      done()
    },
    { prefix: '/admin/v1' },
  )
}
