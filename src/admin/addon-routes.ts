import { type Static, Type } from 'typebox'
import { ADDON_STATES, type Addon } from '../core/catalogue/addon.ts'
import { listAddons, readAddon } from '../core/catalogue/addon-views.ts'
import { createAddon } from '../core/catalogue/create-addon.ts'
import { updateAddon } from '../core/catalogue/update-addon.ts'
import { readId, readPage, toPage } from '../http/rest/paging.ts'
import type { RestRoutes } from '../http/rest/rest-routes.ts'
import {
  Id,
  IdParams,
  Instant,
  listOf,
  listQuery,
  oneOf,
  strictObject,
} from '../http/rest/shapes.ts'
import { publicIdOf } from '../lib/ids.ts'
import type { AdminDeps } from './admin-deps.ts'
import { Position } from './category-routes.ts'
import { CyclePriceShape, NewCyclePrices, readCyclePrices, showCyclePrices } from './cycle-price.ts'
import { reading, writing } from './schemas.ts'
import { write } from './write.ts'

const Terms = {
  key: Type.String({ description: 'What programs name it by', examples: ['cpanel-pro-30'] }),
  family: Type.String({ description: 'What it is a choice of', examples: ['cpanel'] }),
  name: Type.String({ examples: ['cPanel Pro (30 accounts)'] }),
  position: Type.Optional(Position),
}
const NewAddon = strictObject({ ...Terms, prices: Type.Optional(NewCyclePrices) })
const AddonChanges = Type.Partial(
  strictObject({ ...Terms, state: oneOf(ADDON_STATES), prices: NewCyclePrices }),
  { additionalProperties: false },
)
const AddonShape = Type.Object({
  id: Id,
  public_id: Type.String({ examples: ['addon_01hxa3b4c5d6e7f8g9h0j1k2m3'] }),
  key: Type.String(),
  family: Type.String(),
  name: Type.String(),
  state: oneOf(ADDON_STATES),
  position: Position,
  prices: Type.Array(CyclePriceShape),
  created_at: Instant,
  updated_at: Instant,
})
const tag = 'Plans'

/** What servers carry beside their plan. */
export function registerAddons(app: RestRoutes, deps: AdminDeps): void {
  const { db } = deps.funnel.database
  app.post(
    '/addons',
    {
      schema: writing(
        { operationId: 'createAddon', summary: 'Add an addon', tag },
        { body: NewAddon, answers: { 201: AddonShape } },
      ),
    },
    async (request, reply) => {
      const { position = 0, prices = [], ...rest } = request.body
      const input = { ...rest, position, prices: readCyclePrices(prices) }
      const addon = await write(deps, { request, reply, operation: createAddon, input })
      return reply.code(201).send(show(addon))
    },
  )
  app.get(
    '/addons',
    {
      schema: reading(
        { operationId: 'listAddons', summary: 'List addons, paused ones too', tag },
        {
          querystring: listQuery({
            state: Type.Optional(oneOf(ADDON_STATES)),
            family: Type.Optional(Type.String()),
          }),
          answer: listOf(AddonShape),
        },
      ),
    },
    async ({ query }) => {
      const { limit, from } = readPage('addons', query)
      const { state, family } = query
      const rows = await listAddons(db, { state, family, after: from, limit: limit + 1 })
      return toPage('addons', { rows, limit, render: show })
    },
  )
  app.get(
    '/addons/:id',
    {
      schema: reading(
        { operationId: 'getAddon', summary: 'An addon with its prices', tag },
        { params: IdParams, answer: AddonShape },
      ),
    },
    async ({ params }) => show(await readAddon(db, readId(params.id))),
  )
  app.patch(
    '/addons/:id',
    {
      schema: writing(
        { operationId: 'updateAddon', summary: 'Change, price, pause or resume an addon', tag },
        { params: IdParams, body: AddonChanges, answers: { 200: AddonShape } },
      ),
    },
    async (request, reply) => {
      const { prices, ...rest } = request.body
      const addonId = readId(request.params.id)
      const input = { ...rest, addonId, prices: prices && readCyclePrices(prices) }
      return show(await write(deps, { request, reply, operation: updateAddon, input }))
    },
  )
}

function show(addon: Addon): Static<typeof AddonShape> {
  return {
    id: addon.id,
    public_id: publicIdOf('addon', addon.publicId),
    key: addon.key,
    family: addon.family,
    name: addon.name,
    state: addon.state,
    position: addon.position,
    prices: showCyclePrices(addon.prices),
    created_at: addon.createdAt,
    updated_at: addon.updatedAt,
  }
}
