import { Type } from 'typebox'
import { readTrialBalance } from '../core/ledger/trial-balance.ts'
import { verifyLedger } from '../core/ledger/verify-ledger.ts'
import type { RestRoutes } from '../http/rest/rest-routes.ts'
import { Count, PROBLEM_RESPONSES, strictObject } from '../http/rest/shapes.ts'
import type { AdminDeps } from './admin-deps.ts'
import { reading, SECURITY } from './schemas.ts'

const Sum = Type.String({ description: 'An exact decimal' })
const TrialBalance = Type.Object({
  ok: Type.Boolean(),
  currencies: Type.Array(
    Type.Object({ currency: Type.String(), debits: Sum, credits: Sum, difference: Sum }),
  ),
})
const Verification = Type.Object({
  ok: Type.Boolean(),
  all: Type.Boolean({ description: 'Whether everything was looked at' }),
  checks: Type.Array(
    Type.Object({
      name: Type.String(),
      ok: Type.Boolean(),
      breaches: Type.Array(Type.String(), { description: 'The first of them' }),
      count: Count,
    }),
  ),
})
const tag = 'Ledger'

/** The books. */
export function registerLedger(app: RestRoutes, deps: AdminDeps): void {
  const { database } = deps.funnel
  app.get(
    '/ledger/trial-balance',
    {
      schema: reading(
        { operationId: 'getTrialBalance', summary: 'Debits and credits by currency', tag },
        { answer: TrialBalance },
      ),
    },
    async () => {
      const { ok, currencies } = await readTrialBalance(database.db)
      return { ok, currencies: [...currencies] }
    },
  )
  // It changes nothing of the shop's and may be asked as often as one likes: no idempotency.
  app.post(
    '/ledger/verify',
    {
      schema: {
        operationId: 'verifyLedger',
        summary: 'Check the books against themselves',
        tags: [tag],
        security: SECURITY,
        body: strictObject({
          all: Type.Optional(Type.Boolean({ description: 'From the first transfer on' })),
        }),
        response: { 200: Verification, ...PROBLEM_RESPONSES },
      },
    },
    async ({ body }) => {
      const { ok, all, checks } = await verifyLedger(database, { all: body.all ?? false })
      return {
        ok,
        all,
        checks: checks.map((check) => ({ ...check, breaches: [...check.breaches] })),
      }
    },
  )
}
