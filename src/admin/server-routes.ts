import { Type } from 'typebox'
import { readPurchase } from '../core/billing/purchase-views.ts'
import { renewServers } from '../core/billing/renew-servers.ts'
import { createServer } from '../core/servers/create-server.ts'
import { SERVER_STATES } from '../core/servers/server.ts'
import { resumeServer, suspendServer } from '../core/servers/suspend-server.ts'
import { terminateServer } from '../core/servers/terminate-server.ts'
import { updateServer } from '../core/servers/update-server.ts'
import { readInstant } from '../http/rest/instant-field.ts'
import { readIdField, readPage, toPage } from '../http/rest/paging.ts'
import type { RestRoutes } from '../http/rest/rest-routes.ts'
import {
  Id,
  IdParams,
  listOf,
  listQuery,
  NoBody,
  oneOf,
  strictObject,
} from '../http/rest/shapes.ts'
import type { AdminDeps } from './admin-deps.ts'
import { PurchaseShape, showPurchase } from './billing-shapes.ts'
import { Cycle } from './cycle-price.ts'
import { reading, writing } from './schemas.ts'
import { ServerShape, showServer } from './server-shape.ts'
import { write } from './write.ts'

const NewAddress = strictObject({
  address: Type.String({ examples: ['192.0.2.10', '2001:db8::10'] }),
  gateway: Type.String(),
  prefix: Type.Integer({ minimum: 0, maximum: 128 }),
  is_ddos_protected: Type.Optional(Type.Boolean()),
  ptr: Type.Optional(Type.String({ description: 'The name that it is looked up as' })),
})
const NewServer = strictObject({
  account_id: Id,
  plan_id: Id,
  billing_cycle: Cycle,
  hostname: Type.String({ examples: ['web1.example.com'] }),
  location: Type.String({ examples: ['Sofia'] }),
  image: strictObject({
    name: Type.String({ examples: ['Ubuntu 24.04'] }),
    family: Type.String({ examples: ['ubuntu'] }),
    version: Type.String({ examples: ['24.04'] }),
  }),
  provider_ref: Type.Optional(
    Type.String({ description: 'What the provider calls it; left out: its public id' }),
  ),
  addresses: Type.Optional(Type.Array(NewAddress, { description: 'The first is the main one' })),
  addons: Type.Optional(
    Type.Array(
      strictObject({ addon_id: Id, quantity: Type.Optional(Type.Integer({ minimum: 1 })) }),
      { maxItems: 20 },
    ),
  ),
  auto_pay: Type.Optional(Type.Boolean({ default: true })),
  starts_at: Type.Optional(
    Type.String({ description: 'When the period that is granted begins; left out: today' }),
  ),
})
const ServerChanges = Type.Partial(
  strictObject({ hostname: Type.String(), auto_pay: Type.Boolean() }),
  { additionalProperties: false },
)
const Renewal = strictObject({
  billing_cycle: Type.Optional(Cycle),
  promo_code: Type.Optional(Type.String()),
})
const tag = 'Servers'

/** Customers' servers. */
export function registerServers(app: RestRoutes, deps: AdminDeps): void {
  app.get(
    '/servers',
    {
      schema: reading(
        { operationId: 'listServers', summary: 'List servers, newest first', tag },
        {
          querystring: listQuery({
            account_id: Type.Optional(Id),
            state: Type.Optional(oneOf(SERVER_STATES)),
            hostname: Type.Optional(Type.String({ description: 'The whole name' })),
            address: Type.Optional(Type.String({ description: 'One of its addresses, whole' })),
            search: Type.Optional(Type.String({ description: 'A part of a name or an address' })),
          }),
          answer: listOf(ServerShape),
        },
      ),
    },
    async ({ query }) => {
      const { limit, from: before } = readPage('servers', query)
      const { account_id, state, hostname, address, search } = query
      const { servers } = await deps.servers.list({
        accountId: account_id === undefined ? null : readIdField(account_id, '/account_id'),
        states: state === undefined ? undefined : [state],
        hostname,
        address,
        search,
        window: { before, limit: limit + 1 },
      })
      const rows = servers.map(showServer)
      return toPage('servers', { rows, limit, render: (row) => row })
    },
  )
  app.get(
    '/servers/:id',
    {
      schema: reading(
        { operationId: 'getServer', summary: 'A server, by its number or its public id', tag },
        { params: IdParams, answer: ServerShape },
      ),
    },
    async ({ params }) => showServer(await deps.servers.one(null, params.id)),
  )
  registerNewServer(app, deps)
  registerServerChanges(app, deps)
  registerServerRenewal(app, deps)
}

function registerNewServer(app: RestRoutes, deps: AdminDeps): void {
  const add = createServer(deps.terms)
  app.post(
    '/servers',
    {
      schema: writing(
        { operationId: 'createServer', summary: 'Enter a server of a customer', tag },
        { body: NewServer, answers: { 201: ServerShape } },
      ),
    },
    async (request, reply) => {
      const { body } = request
      const { addresses = [], addons = [], starts_at } = body
      const input = {
        accountId: readIdField(body.account_id, '/account_id'),
        planId: readIdField(body.plan_id, '/plan_id'),
        billingCycle: body.billing_cycle,
        hostname: body.hostname,
        location: body.location,
        image: body.image,
        providerRef: body.provider_ref ?? null,
        addresses: addresses.map(({ is_ddos_protected, ptr, ...address }) => ({
          ...address,
          ddosProtected: is_ddos_protected ?? false,
          ptr: ptr ?? null,
        })),
        addons: addons.map(({ addon_id, quantity }, index) => ({
          addonId: readIdField(addon_id, `/addons/${index}/addon_id`),
          quantity: quantity ?? 1,
        })),
        autoPay: body.auto_pay ?? true,
        from: starts_at === undefined ? null : readInstant(starts_at, '/starts_at'),
      }
      const { id } = await write(deps, { request, reply, operation: add, input })
      return reply.code(201).send(showServer(await deps.servers.one(null, id)))
    },
  )
}

function registerServerChanges(app: RestRoutes, deps: AdminDeps): void {
  app.patch(
    '/servers/:id',
    {
      schema: writing(
        { operationId: 'updateServer', summary: 'Change a server', tag },
        { params: IdParams, body: ServerChanges, answers: { 200: ServerShape } },
      ),
    },
    async (request, reply) => {
      const { hostname, auto_pay: autoPay } = request.body
      const { id: serverId } = await deps.servers.one(null, request.params.id)
      const input = { serverId, hostname, autoPay }
      const { id } = await write(deps, { request, reply, operation: updateServer, input })
      return showServer(await deps.servers.one(null, id))
    },
  )
  for (const [verb, summary, operation] of [
    ['suspend', 'Suspend a server for abuse: it is not renewed until it is resumed', suspendServer],
    ['resume', 'Let a suspended server run again', resumeServer],
    ['terminate', 'End a server for good, with its subscriptions', terminateServer],
  ] as const) {
    app.post(
      `/servers/:id/${verb}`,
      {
        schema: writing(
          { operationId: `${verb}Server`, summary, tag },
          { params: IdParams, body: NoBody, answers: { 200: ServerShape } },
        ),
      },
      async (request, reply) => {
        const { id: serverId } = await deps.servers.one(null, request.params.id)
        const { id } = await write(deps, { request, reply, operation, input: { serverId } })
        return showServer(await deps.servers.one(null, id))
      },
    )
  }
}

function registerServerRenewal(app: RestRoutes, deps: AdminDeps): void {
  app.post(
    '/servers/:id/renew',
    {
      schema: writing(
        {
          operationId: 'renewServer',
          summary: 'Make out the next renewal; the one that is open, where there is one',
          tag,
        },
        { params: IdParams, body: Renewal, answers: { 200: PurchaseShape, 201: PurchaseShape } },
      ),
    },
    async (request, reply) => {
      const { billing_cycle, promo_code } = request.body
      const { id: serverId } = await deps.servers.one(null, request.params.id)
      const input = {
        serverIds: [serverId],
        billingCycle: billing_cycle ?? null,
        promoCode: promo_code ?? null,
        addonIds: null,
        existing: 'keep' as const,
      }
      const made = await write(deps, { request, reply, operation: renewServers, input })
      const id = BigInt(made.purchaseId)
      const purchase = await readPurchase(deps.funnel.database.db, { accountId: null, id })
      return reply.code(made.outcome === 'created' ? 201 : 200).send(showPurchase(purchase))
    },
  )
}
