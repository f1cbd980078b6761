import { Type } from 'typebox'
import { findOpenRenewals } from '../../core/billing/invoice-views.ts'
import { Refusal } from '../../core/refusal.ts'
import type { Server } from '../../core/servers/server.ts'
import { callerOf } from '../../http/rest/caller.ts'
import { readPage, toPage } from '../../http/rest/paging.ts'
import type { RestRoutes } from '../../http/rest/rest-routes.ts'
import { listOf, listQuery } from '../../http/rest/shapes.ts'
import type { HostupDeps } from './hostup-deps.ts'
import { reading, VpsParams } from './route-options.ts'
import { detailsText, type SeenServer, statusText, vpsText } from './server-text.ts'
import { VpsDetailsShape, VpsShape, VpsStatusShape } from './shapes.ts'

const scope = 'read:vm'
const tag = 'VPS'

/** The account's servers, and how they are. */
export function registerVps(app: RestRoutes, deps: HostupDeps): void {
  app.get(
    '/vps',
    reading(
      { operationId: 'listVps', summary: 'List VPS, newest first', tag, scope },
      {
        querystring: listQuery({
          primaryIp: Type.Optional(Type.String({ description: 'The main address, whole' })),
          name: Type.Optional(Type.String({ description: 'The whole name' })),
        }),
        answer: listOf(VpsShape),
      },
    ),
    async (request) => {
      const { query } = request
      const { accountId } = callerOf(request)
      const { limit, from } = readPage('vps', query)
      const { servers } = await deps.servers.list({
        accountId,
        mainAddress: query.primaryIp,
        hostname: query.name,
        window: { before: from, limit: limit + 1 },
      })
      const more = servers.slice(limit)
      const seen = await look(deps, servers.slice(0, limit))
      const rows = [...seen, ...more.map((server) => ({ server, status: null, unpaid: undefined }))]
      return toPage('vps', {
        rows: rows.map((row) => ({ id: String(row.server.id), ...row })),
        limit,
        render: vpsText,
      })
    },
  )
  app.get(
    '/vps/:id',
    reading(
      { operationId: 'getVps', summary: 'Get a VPS', tag, scope, problems: [404] },
      { params: VpsParams, answer: VpsShape },
    ),
    async (request) => vpsText(await lookAtOne(deps, await find(deps, request))),
  )
  app.get(
    '/vps/:id/details',
    reading(
      {
        operationId: 'getVpsDetails',
        summary: 'Get the details of a VPS',
        tag,
        scope,
        problems: [404],
      },
      { params: VpsParams, answer: VpsDetailsShape },
    ),
    async (request) => detailsText(await lookAtOne(deps, await find(deps, request))),
  )
  app.get(
    '/vps/:id/status',
    reading(
      {
        operationId: 'getVpsStatus',
        summary: 'Get how a VPS is',
        description: 'Its provider is asked; where that one does not answer, 502.',
        tag,
        scope,
        problems: [404, 502],
      },
      { params: VpsParams, answer: VpsStatusShape },
    ),
    async (request) => {
      const { server, status } = await lookAtOne(deps, await find(deps, request))
      if (status === null && server.state !== 'terminated') throw new Refusal('provider_error')
      return statusText({ server, status })
    },
  )
}

async function find(
  deps: HostupDeps,
  request: Parameters<typeof callerOf>[0] & { readonly params: { readonly id: string } },
): Promise<Server> {
  return await deps.servers.one(callerOf(request).accountId, request.params.id)
}

async function lookAtOne(deps: HostupDeps, server: Server): Promise<SeenServer> {
  const [seen] = await look(deps, [server])
  return seen!
}

/** How servers of one account are, and what they wait for. A terminated one is not asked for. */
async function look(deps: HostupDeps, servers: readonly Server[]): Promise<SeenServer[]> {
  const accountId = servers[0]?.accountId
  if (accountId === undefined) return []
  const living = servers.filter((server) => server.state !== 'terminated')
  const serverIds = servers.map((server) => server.id)
  const { db } = deps.funnel.database
  const [statuses, unpaid] = await Promise.all([
    deps.servers.statusOf(living),
    findOpenRenewals(db, { accountId, serverIds }),
  ])
  return servers.map((server) => ({
    server,
    status: statuses.get(server.id) ?? null,
    unpaid: unpaid.get(server.id),
  }))
}
