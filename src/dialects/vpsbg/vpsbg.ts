import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import type { FastifyInstance } from 'fastify'
import { Refusal } from '../../core/refusal.ts'
import { bearerKey, customerOfKey } from '../../http/customer-key.ts'
import { setCaller } from '../../http/rest/caller.ts'
import { acceptJson } from '../../http/rest/prepare-rest.ts'
import { namesNothing, validatorCompiler } from '../../http/rest/validate.ts'
import { registerBalance } from './balance-routes.ts'
import { registerOrders } from './order-routes.ts'
import { registerPayments } from './pay-routes.ts'
import { registerRenewals } from './renewal-routes.ts'
import { registerServers } from './server-routes.ts'
import type { VpsbgDeps } from './vpsbg-deps.ts'
import { sendRefusal } from './vpsbg-errors.ts'

const ROUTES = [
  registerServers,
  registerRenewals,
  registerOrders,
  registerPayments,
  registerBalance,
]

/**
 * VPSBG's API at `/v1`, as its source page documents it: REST with a customer's key. What is
 * checked, in this order: key, limits, scope, shape; objects, state and money are the core's.
 */
export async function registerVpsbg(app: FastifyInstance, deps: VpsbgDeps): Promise<void> {
  await app.register(
    (scope, _options, done) => {
      acceptJson(scope)
      scope.setValidatorCompiler(validatorCompiler)
      // Answers are written by hand: JSON.stringify keeps amounts digit for digit.
      scope.setSerializerCompiler(() => JSON.stringify)
      scope.addHook('onRequest', async (request, reply) => {
        setCaller(request, await customerOfKey(deps, bearerKey(request), { request, reply }))
      })
      scope.setErrorHandler(async (error, request, reply) =>
        sendRefusal(request, reply, deps.toRefusal(namesNothing(error) ?? error, request)),
      )
      scope.setNotFoundHandler(() => {
        throw new Refusal('not_found', { detail: 'There is no such address.' })
      })
      const typed = scope.withTypeProvider<TypeBoxTypeProvider>()
      for (const routes of ROUTES) routes(typed, deps)
      done()
    },
    { prefix: '/v1' },
  )
}
