import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { Refusal } from '../../core/refusal.ts'
import { setCaller } from '../../http/rest/caller.ts'
import { customerCaller } from '../../http/rest/customer-caller.ts'
import { prepareRest } from '../../http/rest/prepare-rest.ts'
import type { RestRoutes } from '../../http/rest/rest-routes.ts'
import { namesNothing } from '../../http/rest/validate.ts'
import { registerBilling } from './billing-routes.ts'
import type { HostupDeps } from './hostup-deps.ts'
import { registerJobs } from './job-routes.ts'
import { isLaterCall } from './later-calls.ts'
import { registerPay } from './pay-route.ts'
import { registerProducts } from './product-routes.ts'
import { registerRenew } from './renew-route.ts'
import { registerVps } from './vps-routes.ts'

type Register = (app: RestRoutes, deps: HostupDeps) => void

/** Where routes are mounted; those that are open need no key. */
interface Mount {
  readonly prefix: string
  readonly open: readonly Register[]
  readonly closed: readonly Register[]
}

const MOUNTS: readonly Mount[] = [
  {
    prefix: '/api/v2',
    open: [registerProducts],
    closed: [registerVps, registerRenew, registerBilling, registerPay],
  },
  { prefix: '/api/jobs', open: [], closed: [registerJobs] },
]

/**
 * HostUp's API below `/api/v2` and `/api/jobs`, as its source page documents it: REST with a
 * customer's key or session. What is checked, in this order: key, limits, scope, shape; objects,
 * state and money are the core's. The bare path `/api/v2` is another API's.
 */
export async function registerHostup(app: FastifyInstance, deps: HostupDeps): Promise<void> {
  const who = async (request: FastifyRequest, reply: FastifyReply): Promise<void> => {
    setCaller(request, await customerCaller(deps, request, reply))
  }
  for (const { prefix, open, closed } of MOUNTS) {
    await app.register(
      (scope, _options, done) => {
        prepareRest(scope, {
          ...deps,
          toRefusal: (error, request) => deps.toRefusal(namesNothing(error) ?? error, request),
        })
        // JSON.stringify keeps amounts digit for digit, and fields in their order.
        scope.setSerializerCompiler(() => JSON.stringify)
        scope.setNotFoundHandler({ preHandler: who }, ({ url }) => {
          if (isLaterCall(url)) throw new Refusal('feature_unavailable')
          throw new Refusal('not_found', { detail: 'There is no such address.' })
        })
        const typed = scope.withTypeProvider<TypeBoxTypeProvider>()
        for (const routes of open) routes(typed, deps)
        scope.register((inner, _none, ready) => {
          inner.addHook('onRequest', who)
          const known = inner.withTypeProvider<TypeBoxTypeProvider>()
          for (const routes of closed) routes(known, deps)
          ready()
        })
        done()
      },
      { prefix },
    )
  }
}
