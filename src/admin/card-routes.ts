import { Type } from 'typebox'
import type { Card } from '../core/billing/cards/card.ts'
import { findCard } from '../core/billing/cards/card-views.ts'
import { removeCard } from '../core/billing/cards/remove-card.ts'
import { saveCard } from '../core/billing/cards/save-card.ts'
import { Refusal } from '../core/refusal.ts'
import { readId } from '../http/rest/paging.ts'
import type { RestRoutes } from '../http/rest/rest-routes.ts'
import { Id, IdParams, Instant, strictObject } from '../http/rest/shapes.ts'
import type { AdminDeps } from './admin-deps.ts'
import { reading, writing } from './schemas.ts'
import { write } from './write.ts'

const NewCard = strictObject({
  gateway: Type.String({ description: 'Who charges it', examples: ['simulated'] }),
  card_ref: Type.Optional(
    Type.String({ description: 'What the gateway calls it; left out: a name made up' }),
  ),
  brand: Type.String({ examples: ['visa'] }),
  last_four: Type.String({ examples: ['4242'] }),
})
const CardShape = Type.Object({
  id: Id,
  gateway: Type.String(),
  brand: Type.String(),
  last_four: Type.String(),
  created_at: Instant,
})
const tag = 'Accounts'

/** The saved card of an account. */
export function registerCards(app: RestRoutes, deps: AdminDeps): void {
  const save = saveCard(deps.providers.payment)
  app.post(
    '/accounts/:id/card',
    {
      schema: writing(
        { operationId: 'saveCard', summary: 'Save a card, in place of the one before', tag },
        { params: IdParams, body: NewCard, answers: { 201: CardShape } },
      ),
    },
    async (request, reply) => {
      const { gateway, card_ref, brand, last_four: lastFour } = request.body
      const accountId = readId(request.params.id)
      const input = { accountId, gateway, gatewayRef: card_ref ?? null, brand, lastFour }
      const card = await write(deps, { request, reply, operation: save, input })
      return reply.code(201).send(show(card))
    },
  )
  app.get(
    '/accounts/:id/card',
    {
      schema: reading(
        { operationId: 'getCard', summary: "An account's saved card", tag },
        { params: IdParams, answer: CardShape },
      ),
    },
    async ({ params }) => {
      const card = await findCard(deps.funnel.database.db, readId(params.id))
      if (!card) throw new Refusal('not_found')
      return show(card)
    },
  )
  app.delete(
    '/accounts/:id/card',
    {
      schema: writing(
        { operationId: 'removeCard', summary: "Forget an account's saved card", tag },
        { params: IdParams, answers: { 204: Type.Null() } },
      ),
    },
    async (request, reply) => {
      const input = { accountId: readId(request.params.id) }
      await write(deps, { request, reply, operation: removeCard, input })
      return reply.code(204).send(null)
    },
  )
}

function show(card: Card) {
  return {
    id: card.id,
    gateway: card.gateway,
    brand: card.brand,
    last_four: card.lastFour,
    created_at: card.createdAt,
  }
}
