import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { Refusal } from '../core/refusal.ts'
import { setCaller } from '../http/rest/caller.ts'
import { customerCaller } from '../http/rest/customer-caller.ts'
import { prepareRest } from '../http/rest/prepare-rest.ts'
import type { CustomerDeps } from './customer-deps.ts'
import { registerEvents } from './event-routes.ts'
import { registerOrderExport } from './order-export.ts'
import { registerOrders } from './order-routes.ts'
import { registerPlacing } from './placing-routes.ts'
import { registerServices } from './service-routes.ts'
import { registerWebhooks } from './webhook-routes.ts'

const ROUTES = [
  registerServices,
  registerOrders,
  registerPlacing,
  registerOrderExport,
  registerWebhooks,
  registerEvents,
]

/**
 * The customer API below `/customer/v1`: what an account does beside the panels' own APIs, with
 * one of its keys or in a session of one of its users.
 */
export async function registerCustomer(app: FastifyInstance, deps: CustomerDeps): Promise<void> {
  const identify = async (request: FastifyRequest, reply: FastifyReply): Promise<void> => {
    setCaller(request, await customerCaller(deps, request, reply))
  }
  await app.register(
    (scope, _options, done) => {
      prepareRest(scope, deps)
      scope.setNotFoundHandler({ preHandler: identify }, () => {
        throw new Refusal('not_found', { detail: 'There is no such address.' })
      })
      scope.register((closed, _none, ready) => {
        closed.addHook('onRequest', identify)
        const typed = closed.withTypeProvider<TypeBoxTypeProvider>()
        for (const routes of ROUTES) routes(typed, deps)
        ready()
      })
      done()
    },
    { prefix: '/customer/v1' },
  )
}
