import { type Static, Type } from 'typebox'
import { createPromoCode } from '../core/catalogue/create-promo-code.ts'
import { PROMO_CODE_STATES, type PromoCode } from '../core/catalogue/promo-code.ts'
import { listPromoCodes, readPromoCode } from '../core/catalogue/promo-code-views.ts'
import { updatePromoCode } from '../core/catalogue/update-promo-code.ts'
import { readInstant } from '../http/rest/instant-field.ts'
import { readId, readIdField, readPage, toPage } from '../http/rest/paging.ts'
import type { RestRoutes } from '../http/rest/rest-routes.ts'
import {
  Id,
  IdParams,
  Instant,
  listOf,
  listQuery,
  NullableInstant,
  nullable,
  oneOf,
  strictObject,
} from '../http/rest/shapes.ts'
import type { AdminDeps } from './admin-deps.ts'
import { Cycle } from './cycle-price.ts'
import { readPercent, SentPercent, showPercent } from './percent.ts'
import { reading, writing } from './schemas.ts'
import { write } from './write.ts'

const ValidUntil = nullable(
  Type.String({ description: 'ISO 8601 with its offset; null: for ever' }),
)
const NewPromoCode = strictObject({
  code: Type.String({ examples: ['RENEW10'] }),
  percent: SentPercent,
  minimum_billing_cycle: Type.Optional(Cycle),
  plan_id: Type.Optional(nullable(Id)),
  is_public: Type.Optional(Type.Boolean()),
  valid_until: Type.Optional(ValidUntil),
})
const PromoCodeChanges = Type.Partial(
  strictObject({
    state: oneOf(PROMO_CODE_STATES),
    is_public: Type.Boolean(),
    valid_until: ValidUntil,
  }),
  { additionalProperties: false },
)
const PromoCodeShape = Type.Object({
  id: Id,
  code: Type.String(),
  percent: Type.Number(),
  minimum_billing_cycle: Cycle,
  plan_id: nullable(Id),
  is_public: Type.Boolean(),
  state: oneOf(PROMO_CODE_STATES),
  valid_until: NullableInstant,
  created_at: Instant,
})
const tag = 'Plans'

/** What takes per cent off renewals. */
export function registerPromoCodes(app: RestRoutes, deps: AdminDeps): void {
  const { db } = deps.funnel.database
  app.post(
    '/promo-codes',
    {
      schema: writing(
        { operationId: 'createPromoCode', summary: 'Add a promo code', tag },
        { body: NewPromoCode, answers: { 201: PromoCodeShape } },
      ),
    },
    async (request, reply) => {
      const { body } = request
      const planId = body.plan_id ?? null
      const input = {
        code: body.code,
        percentPpm: readPercent(body.percent, '/percent'),
        minimumBillingCycle: body.minimum_billing_cycle ?? 1,
        planId: planId === null ? null : String(readIdField(planId, '/plan_id')),
        isPublic: body.is_public ?? false,
        validUntil: readValidUntil(body.valid_until ?? null),
      }
      const promo = await write(deps, { request, reply, operation: createPromoCode, input })
      return reply.code(201).send(show(promo))
    },
  )
  app.get(
    '/promo-codes',
    {
      schema: reading(
        { operationId: 'listPromoCodes', summary: 'List promo codes, disabled ones too', tag },
        {
          querystring: listQuery({ state: Type.Optional(oneOf(PROMO_CODE_STATES)) }),
          answer: listOf(PromoCodeShape),
        },
      ),
    },
    async ({ query }) => {
      const { limit, from } = readPage('promo-codes', query)
      const rows = await listPromoCodes(db, { state: query.state, after: from, limit: limit + 1 })
      return toPage('promo-codes', { rows, limit, render: show })
    },
  )
  app.get(
    '/promo-codes/:id',
    {
      schema: reading(
        { operationId: 'getPromoCode', summary: 'A promo code', tag },
        { params: IdParams, answer: PromoCodeShape },
      ),
    },
    async ({ params }) => show(await readPromoCode(db, readId(params.id))),
  )
  app.patch(
    '/promo-codes/:id',
    {
      schema: writing(
        {
          operationId: 'updatePromoCode',
          summary: 'Change who can use a code, until when, or disable it',
          tag,
        },
        { params: IdParams, body: PromoCodeChanges, answers: { 200: PromoCodeShape } },
      ),
    },
    async (request, reply) => {
      const { state, is_public: isPublic, valid_until } = request.body
      const input = {
        promoCodeId: readId(request.params.id),
        state,
        isPublic,
        validUntil: valid_until === undefined ? undefined : readValidUntil(valid_until),
      }
      return show(await write(deps, { request, reply, operation: updatePromoCode, input }))
    },
  )
}

function readValidUntil(text: string | null): string | null {
  return text === null ? null : readInstant(text, '/valid_until').toISOString()
}

function show(promo: PromoCode): Static<typeof PromoCodeShape> {
  return {
    id: promo.id,
    code: promo.code,
    percent: showPercent(promo.percentPpm),
    minimum_billing_cycle: promo.minimumBillingCycle,
    plan_id: promo.planId,
    is_public: promo.isPublic,
    state: promo.state,
    valid_until: promo.validUntil,
    created_at: promo.createdAt,
  }
}
