import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import { findUser } from '../core/identity/find-session.ts'
import { signInUser, USER_SESSION_SECONDS } from '../core/identity/sign-in.ts'
import { signOut } from '../core/identity/sign-out.ts'
import { USER_ROLES } from '../core/identity/user.ts'
import { Refusal } from '../core/refusal.ts'
import { prepareRest } from '../http/rest/prepare-rest.ts'
import type { RestRoutes } from '../http/rest/rest-routes.ts'
import { refuseOtherOrigin, requireSameOrigin } from '../http/rest/same-origin.ts'
import { CUSTOMER_COOKIE, readCookie, setCookie } from '../http/rest/session-cookie.ts'
import { Id, Instant, oneOf, PROBLEM_RESPONSES } from '../http/rest/shapes.ts'
import type { AdminDeps } from './admin-deps.ts'
import { Credentials } from './session-routes.ts'

const CustomerSession = Type.Object({
  user: Type.Object({
    id: Id,
    account_id: Id,
    email: Type.String(),
    role: oneOf(USER_ROLES),
  }),
  expires_at: Instant,
})
const tags = ['Customer session']
const security = [{ customerSession: [] }]

/** `/session`: a customer's user signs in, asks who is signed in, and signs out. */
export async function registerCustomerSession(
  app: FastifyInstance,
  deps: AdminDeps,
): Promise<void> {
  await app.register((scope, _options, done) => {
    prepareRest(scope, deps)
    const typed = scope.withTypeProvider<TypeBoxTypeProvider>()
    registerSignIn(typed, deps)
    registerSignedIn(typed, deps)
    done()
  })
}

function registerSignIn(app: RestRoutes, deps: AdminDeps): void {
  const { funnel, publicUrl } = deps
  app.post(
    '/session',
    {
      schema: {
        operationId: 'customerSignIn',
        summary: 'Sign a customer in',
        tags,
        security: [],
        body: Credentials,
        response: { 201: CustomerSession, ...PROBLEM_RESPONSES },
      },
      onRequest: async (request, reply) => {
        deps.limits.checkFailedKeys(request, reply)
        refuseOtherOrigin(request, publicUrl)
      },
    },
    async (request, reply) => {
      const { token } = await deps.limits.countFailures(request, () =>
        signInUser(funnel, request.body),
      )
      const seconds = USER_SESSION_SECONDS
      setCookie(reply, { name: CUSTOMER_COOKIE, token, seconds, publicUrl })
      return reply.code(201).send(await show(deps, token))
    },
  )
}

function registerSignedIn(app: RestRoutes, deps: AdminDeps): void {
  const { funnel, publicUrl } = deps
  app.get(
    '/session',
    {
      schema: {
        operationId: 'getCustomerSession',
        summary: 'Who is signed in',
        tags,
        security,
        response: { 200: CustomerSession, ...PROBLEM_RESPONSES },
      },
    },
    async (request, reply) => {
      const session = await show(deps, tokenOf(request, publicUrl))
      deps.limits.countSession(BigInt(session.user.account_id), reply)
      return session
    },
  )
  app.delete(
    '/session',
    {
      schema: {
        operationId: 'customerSignOut',
        summary: 'End the session',
        tags,
        security,
        response: { 204: Type.Null(), ...PROBLEM_RESPONSES },
      },
    },
    async (request, reply) => {
      const token = tokenOf(request, publicUrl)
      const { actor } = await findUser(funnel.database.db, token, funnel.clock.now())
      await signOut(funnel, actor, token)
      setCookie(reply, { name: CUSTOMER_COOKIE, token: '', seconds: 0, publicUrl })
      return reply.code(204).send(null)
    },
  )
}

function tokenOf(request: FastifyRequest, publicUrl: string | null): string {
  const token = readCookie(request, CUSTOMER_COOKIE)
  if (token === undefined) throw new Refusal('unauthorized')
  requireSameOrigin(request, publicUrl)
  return token
}

async function show({ funnel }: AdminDeps, token: string) {
  const found = await findUser(funnel.database.db, token, funnel.clock.now())
  return {
    user: {
      id: String(found.actor.userId),
      account_id: String(found.actor.accountId),
      email: found.email,
      role: found.role,
    },
    expires_at: found.expiresAt.toISOString(),
  }
}
