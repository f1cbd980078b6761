import { Type } from 'typebox'
import { readOperator } from '../core/identity/operator-views.ts'
import { OPERATOR_SESSION_SECONDS, signInOperator } from '../core/identity/sign-in.ts'
import { signOut } from '../core/identity/sign-out.ts'
import type { RestRoutes } from '../http/rest/rest-routes.ts'
import { refuseOtherOrigin } from '../http/rest/same-origin.ts'
import { OPERATOR_COOKIE, setCookie } from '../http/rest/session-cookie.ts'
import { NullableInstant, PROBLEM_RESPONSES, strictObject } from '../http/rest/shapes.ts'
import type { AdminDeps } from './admin-deps.ts'
import { callerOf } from './caller.ts'
import { OperatorShape, showOperator } from './operator-routes.ts'
import { reading } from './schemas.ts'

export const Credentials = strictObject({ email: Type.String(), password: Type.String() })
const SessionShape = Type.Object({
  operator: OperatorShape,
  expires_at: NullableInstant,
})
const tag = 'Session'

/** Signing in, which nobody has to be signed in for. */
export function registerSignIn(app: RestRoutes, deps: AdminDeps): void {
  const { funnel, publicUrl } = deps
  app.post(
    '/session',
    {
      schema: {
        operationId: 'signIn',
        summary: 'Sign an operator in',
        tags: [tag],
        security: [],
        body: Credentials,
        response: { 201: SessionShape, ...PROBLEM_RESPONSES },
      },
      onRequest: async (request, reply) => {
        deps.limits.checkFailedKeys(request, reply)
        refuseOtherOrigin(request, publicUrl)
      },
    },
    async (request, reply) => {
      const { token, expiresAt, operatorId } = await deps.limits.countFailures(request, () =>
        signInOperator(funnel, request.body),
      )
      const operator = await readOperator(funnel.database.db, operatorId)
      const seconds = OPERATOR_SESSION_SECONDS
      setCookie(reply, { name: OPERATOR_COOKIE, token, seconds, publicUrl })
      return reply.code(201).send({ operator: showOperator(operator), expires_at: expiresAt })
    },
  )
}

/** Who is signed in, and signing out. */
export function registerSession(app: RestRoutes, deps: AdminDeps): void {
  const { funnel, publicUrl } = deps
  app.get(
    '/session',
    {
      schema: reading(
        { operationId: 'getSession', summary: 'The operator who asks', tag },
        { answer: SessionShape },
      ),
    },
    async (request) => {
      const { actor, expiresAt } = callerOf(request)
      const operator = await readOperator(funnel.database.db, actor.operatorId)
      return {
        operator: showOperator(operator),
        expires_at: expiresAt?.toISOString() ?? null,
      }
    },
  )
  app.delete(
    '/session',
    {
      schema: {
        operationId: 'signOut',
        summary: 'End the session; a key has none to end',
        tags: [tag],
        security: [{ operatorSession: [] }],
        response: { 204: Type.Null(), ...PROBLEM_RESPONSES },
      },
    },
    async (request, reply) => {
      const { actor, secret, expiresAt } = callerOf(request)
      if (expiresAt !== null) {
        await signOut(funnel, actor, secret)
        setCookie(reply, { name: OPERATOR_COOKIE, token: '', seconds: 0, publicUrl })
      }
      return reply.code(204).send(null)
    },
  )
}
