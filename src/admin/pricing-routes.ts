import { type Static, Type } from 'typebox'
import { readAccount } from '../core/identity/account-views.ts'
import type { AccountRate } from '../core/pricing/account-rate.ts'
import {
  createDiscountGroup,
  removeDiscountGroup,
  updateDiscountGroup,
} from '../core/pricing/change-discount-group.ts'
import type { DiscountGroup } from '../core/pricing/discount-group.ts'
import {
  listAccountRates,
  listDiscountGroups,
  readDiscountGroup,
} from '../core/pricing/pricing-views.ts'
import { setAccountGroup } from '../core/pricing/set-account-group.ts'
import { removeAccountRate, setAccountRate } from '../core/pricing/set-account-rate.ts'
import { readId, readIdField, readPage, toPage } from '../http/rest/paging.ts'
import type { RestRoutes } from '../http/rest/rest-routes.ts'
import {
  Amount,
  Id,
  IdParams,
  Instant,
  listOf,
  listQuery,
  nullable,
  strictObject,
} from '../http/rest/shapes.ts'
import { formatAmount } from '../lib/money.ts'
import { AccountShape, showAccount } from './account-routes.ts'
import type { AdminDeps } from './admin-deps.ts'
import { readPercent, SentPercent, showPercent } from './percent.ts'
import { reading, writing } from './schemas.ts'
import { Rate } from './service-shape.ts'
import { write } from './write.ts'

const GroupShape = Type.Object({
  id: Id,
  name: Type.String(),
  discount_percent: Type.Number(),
  created_at: Instant,
  updated_at: Instant,
})
const NewGroup = strictObject({ name: Type.String(), discount_percent: SentPercent })
const GroupChanges = Type.Partial(NewGroup, { additionalProperties: false })
const RateShape = Type.Object({
  account_id: Id,
  service_id: Id,
  currency: Type.String(),
  rate: Amount,
})
const RateParams = strictObject({ id: Type.String(), service: Type.String() })
const tag = 'Prices'

/** Discount groups: accounts that pay less for every service. */
export function registerDiscountGroups(app: RestRoutes, deps: AdminDeps): void {
  const { db } = deps.funnel.database
  app.post(
    '/discount-groups',
    {
      schema: writing(
        { operationId: 'createDiscountGroup', summary: 'Add a discount group', tag },
        { body: NewGroup, answers: { 201: GroupShape } },
      ),
    },
    async (request, reply) => {
      const { name, discount_percent } = request.body
      const input = { name, discountPpm: readPercent(discount_percent, '/discount_percent') }
      const group = await write(deps, { request, reply, operation: createDiscountGroup, input })
      return reply.code(201).send(showGroup(group))
    },
  )
  app.get(
    '/discount-groups',
    {
      schema: reading(
        { operationId: 'listDiscountGroups', summary: 'List discount groups', tag },
        { querystring: listQuery({}), answer: listOf(GroupShape) },
      ),
    },
    async ({ query }) => {
      const { limit, from } = readPage('discount-groups', query)
      const rows = await listDiscountGroups(db, { after: from, limit: limit + 1 })
      return toPage('discount-groups', { rows, limit, render: showGroup })
    },
  )
  app.get(
    '/discount-groups/:id',
    {
      schema: reading(
        { operationId: 'getDiscountGroup', summary: 'A discount group', tag },
        { params: IdParams, answer: GroupShape },
      ),
    },
    async ({ params }) => showGroup(await readDiscountGroup(db, readId(params.id))),
  )
  app.patch(
    '/discount-groups/:id',
    {
      schema: writing(
        {
          operationId: 'updateDiscountGroup',
          summary: 'Change a discount group, at once for every account in it',
          tag,
        },
        { params: IdParams, body: GroupChanges, answers: { 200: GroupShape } },
      ),
    },
    async (request, reply) => {
      const { name, discount_percent: percent } = request.body
      const discountPpm =
        percent === undefined ? undefined : readPercent(percent, '/discount_percent')
      const input = { groupId: readId(request.params.id), name, discountPpm }
      return showGroup(await write(deps, { request, reply, operation: updateDiscountGroup, input }))
    },
  )
  app.delete(
    '/discount-groups/:id',
    {
      schema: writing(
        { operationId: 'removeDiscountGroup', summary: 'Remove a group without accounts', tag },
        { params: IdParams, answers: { 204: Type.Null() } },
      ),
    },
    async (request, reply) => {
      const input = { groupId: readId(request.params.id) }
      await write(deps, { request, reply, operation: removeDiscountGroup, input })
      return reply.code(204).send(null)
    },
  )
}

/** What single accounts pay. */
export function registerAccountPrices(app: RestRoutes, deps: AdminDeps): void {
  const { db } = deps.funnel.database
  app.put(
    '/accounts/:id/discount-group',
    {
      schema: writing(
        {
          operationId: 'setAccountDiscountGroup',
          summary: 'Put an account into a discount group, or (null) out of it',
          tag,
        },
        {
          params: IdParams,
          body: strictObject({ discount_group_id: nullable(Id) }),
          answers: { 200: AccountShape },
        },
      ),
    },
    async (request, reply) => {
      const { discount_group_id: group } = request.body
      const groupId = group === null ? null : readIdField(group, '/discount_group_id')
      const input = { accountId: readId(request.params.id), groupId }
      return showAccount(await write(deps, { request, reply, operation: setAccountGroup, input }))
    },
  )
  app.get(
    '/accounts/:id/rates',
    {
      schema: reading(
        { operationId: 'listAccountRates', summary: "List an account's own rates", tag },
        { params: IdParams, querystring: listQuery({}), answer: listOf(RateShape) },
      ),
    },
    async ({ params, query }) => {
      const { limit, from } = readPage('rates', query)
      const accountId = readId(params.id)
      await readAccount(db, accountId)
      const rows = await listAccountRates(db, accountId, { after: from, limit: limit + 1 })
      const named = rows.map((rate) => ({ id: rate.serviceId, rate }))
      return toPage('rates', { rows: named, limit, render: ({ rate }) => showRate(rate) })
    },
  )
  app.put(
    '/accounts/:id/rates/:service',
    {
      schema: writing(
        {
          operationId: 'setAccountRate',
          summary: 'Sell a service to an account at a rate of its own',
          tag,
        },
        {
          params: RateParams,
          body: strictObject({ rate: Rate }),
          answers: { 200: RateShape },
        },
      ),
    },
    async (request, reply) => {
      const { rate } = request.body
      const input = { ...readRateParams(request.params), rate }
      return showRate(await write(deps, { request, reply, operation: setAccountRate, input }))
    },
  )
  app.delete(
    '/accounts/:id/rates/:service',
    {
      schema: writing(
        { operationId: 'removeAccountRate', summary: "Take an account's own rate back", tag },
        { params: RateParams, answers: { 204: Type.Null() } },
      ),
    },
    async (request, reply) => {
      const input = readRateParams(request.params)
      await write(deps, { request, reply, operation: removeAccountRate, input })
      return reply.code(204).send(null)
    },
  )
}

function readRateParams(params: Static<typeof RateParams>) {
  return { accountId: readId(params.id), serviceId: readId(params.service) }
}

function showGroup(group: DiscountGroup): Static<typeof GroupShape> {
  return {
    id: group.id,
    name: group.name,
    discount_percent: showPercent(group.discountPpm),
    created_at: group.createdAt,
    updated_at: group.updatedAt,
  }
}

function showRate(rate: AccountRate): Static<typeof RateShape> {
  return {
    account_id: rate.accountId,
    service_id: rate.serviceId,
    currency: rate.currency,
    rate: formatAmount(BigInt(rate.rateMicros), 2),
  }
}
