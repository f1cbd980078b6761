import { Type } from 'typebox'
import { readPlanOffers } from '../../core/catalogue/plan-offers.ts'
import { Refusal } from '../../core/refusal.ts'
import { SERVER_STATES, type ServerState } from '../../core/servers/server.ts'
import { callerOf } from '../../http/rest/caller.ts'
import type { RestRoutes } from '../../http/rest/rest-routes.ts'
import { chosenOf, filterText } from './filters.ts'
import { NameParams } from './names.ts'
import { PAGE_QUERY, pageShape, toPage, windowOf } from './pages.ts'
import { reading } from './route-options.ts'
import { sendJson } from './send-json.ts'
import { planText, serverStatusText, serverText, serverWithStateText } from './server-text.ts'
import { PlanShape, ServerShape, ServerStatusShape, ServerWithStateShape } from './shapes.ts'
import type { VpsbgDeps } from './vpsbg-deps.ts'

const scope = 'read:vm'
const tag = 'Servers'
/** `processing` is of those that are being made, which none of ours is seen as. */
const STATUSES = [...SERVER_STATES, 'processing'] as const
const DEFAULT_STATUSES: readonly ServerState[] = ['active', 'suspended']

const Direction = Type.Optional(
  Type.Unsafe<'asc' | 'desc'>({
    type: 'string',
    enum: ['asc', 'desc'],
    description: 'The first sort of a query is the one that counts; without any, newest first',
  }),
)
const ServerQuery = Type.Object({
  ...PAGE_QUERY,
  'filter[ip]': Type.Optional(Type.String({ description: 'One of its addresses' })),
  'filter[search]': Type.Optional(Type.String({ description: 'Part of its hostname or address' })),
  'filter[status]': filterText(STATUSES, DEFAULT_STATUSES),
  'sort[created_at]': Direction,
  'sort[expiry_at]': Direction,
})

/** Servers, as they are billed and as they run. */
export function registerServers(app: RestRoutes, deps: VpsbgDeps): void {
  const { servers } = deps
  app.get(
    '/servers',
    reading(
      { operationId: 'listServers', summary: 'List servers', tag, scope },
      { querystring: ServerQuery, answer: pageShape(ServerShape, '/v1/servers') },
    ),
    async (request, reply) => {
      const { query } = request
      const chosen = chosenOf(query['filter[status]'], 'status', STATUSES) ?? DEFAULT_STATUSES
      const { servers: shown, total } = await servers.list({
        accountId: callerOf(request).accountId,
        states: SERVER_STATES.filter((state) => chosen.includes(state)),
        ...filled('address', query['filter[ip]']),
        ...filled('search', query['filter[search]']),
        ...sortOf(query),
        window: windowOf(query),
      })
      const rows = shown.map(serverText)
      return sendJson(reply, toPage({ request, query, ...deps }, { rows, total }))
    },
  )
  app.get(
    '/servers/plans',
    reading(
      {
        operationId: 'listPlans',
        summary: 'List plans',
        description:
          'Those that are sold in the currency of the account, each with the price of its ' +
          'shortest billing cycle.',
        tag,
        scope,
      },
      { answer: Type.Array(PlanShape) },
    ),
    async (request, reply) => {
      const { accountId } = callerOf(request)
      const { db } = deps.funnel.database
      const offers = await readPlanOffers(db, { accountId, currency: null })
      const plans = offers.map((offer) => planText({ ...offer, price: offer.prices[0] ?? null }))
      return sendJson(reply, plans)
    },
  )
  app.get(
    '/servers/:id',
    reading(
      { operationId: 'getServer', summary: 'Get a server', tag, scope },
      { params: NameParams, answer: ServerWithStateShape },
    ),
    async (request, reply) => {
      const server = await servers.one(callerOf(request).accountId, request.params.id)
      const statuses = await servers.statusOf([server])
      return sendJson(reply, serverWithStateText(server, statuses.get(server.id) ?? null))
    },
  )
  app.get(
    '/servers/:id/status',
    reading(
      {
        operationId: 'getServerStatus',
        summary: 'Server status',
        description: 'As its provider sees it now; 500 where that one does not answer.',
        tag,
        scope,
        refuses: ['provider_error'],
      },
      { params: NameParams, answer: ServerStatusShape },
    ),
    async (request, reply) => {
      const server = await servers.one(callerOf(request).accountId, request.params.id)
      const status = (await servers.statusOf([server])).get(server.id)
      if (!status) throw new Refusal('provider_error', { detail: 'The provider did not answer.' })
      return sendJson(reply, serverStatusText(server, status))
    },
  )
}

function filled<Name extends string>(name: Name, text: string | undefined) {
  const asked = text?.trim()
  return asked ? ({ [name]: asked } as Record<Name, string>) : {}
}

/** The first sort of the query; a list has one. */
function sortOf(query: { 'sort[created_at]'?: string; 'sort[expiry_at]'?: string }) {
  for (const [name, direction] of Object.entries(query)) {
    const by = SORTS.find((sort) => name === `sort[${sort}]`)
    if (by !== undefined) return { sort: { by, descending: direction === 'desc' } }
  }
  return {}
}

const SORTS = ['created_at', 'expiry_at'] as const
