import { type Static, Type } from 'typebox'
import { createPlan } from '../core/catalogue/create-plan.ts'
import { PLAN_STATES, type Plan } from '../core/catalogue/plan.ts'
import { listPlans, readPlan } from '../core/catalogue/plan-views.ts'
import { updatePlan } from '../core/catalogue/update-plan.ts'
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
import {
  Cycle,
  CyclePriceShape,
  NewCyclePrices,
  readCyclePrices,
  showCyclePrices,
} from './cycle-price.ts'
import { reading, writing } from './schemas.ts'
import { write } from './write.ts'

const Resource = Type.Integer({ minimum: 1, maximum: 1_000_000_000 })
const Traffic = Type.Integer({
  minimum: 0,
  maximum: 1_000_000_000,
  description: 'A calendar month; 0: not limited',
})
const Terms = {
  key: Type.String({ description: 'What programs name it by', examples: ['cloud-vps-2gb'] }),
  name: Type.String({ examples: ['Cloud VPS 2 GB'] }),
  vcpus: Resource,
  memory_mb: Resource,
  disk_gb: Resource,
  bandwidth_gb: Type.Optional(Traffic),
  minimum_billing_cycle: Type.Optional(Cycle),
  provider: Type.Optional(Type.String({ description: 'Who runs it', default: 'simulated' })),
  position: Type.Optional(Position),
}
const NewPlan = strictObject({ ...Terms, prices: Type.Optional(NewCyclePrices) })
const PlanChanges = Type.Partial(
  strictObject({ ...Terms, state: oneOf(PLAN_STATES), prices: NewCyclePrices }),
  { additionalProperties: false },
)
const PlanShape = Type.Object({
  id: Id,
  public_id: Type.String({ examples: ['vpsprod_01hxa3b4c5d6e7f8g9h0j1k2m3'] }),
  key: Type.String(),
  name: Type.String(),
  vcpus: Resource,
  memory_mb: Resource,
  disk_gb: Resource,
  bandwidth_gb: Traffic,
  minimum_billing_cycle: Cycle,
  provider: Type.String(),
  state: oneOf(PLAN_STATES),
  position: Position,
  prices: Type.Array(CyclePriceShape),
  created_at: Instant,
  updated_at: Instant,
})
const tag = 'Plans'

/** What servers are made of and cost. */
export function registerPlans(app: RestRoutes, deps: AdminDeps): void {
  const { db } = deps.funnel.database
  const add = createPlan(deps.providers.compute)
  const change = updatePlan(deps.providers.compute)
  app.post(
    '/plans',
    {
      schema: writing(
        { operationId: 'createPlan', summary: 'Add a plan', tag },
        { body: NewPlan, answers: { 201: PlanShape } },
      ),
    },
    async (request, reply) => {
      const { body } = request
      const input = {
        key: body.key,
        name: body.name,
        vcpus: body.vcpus,
        memoryMb: body.memory_mb,
        diskGb: body.disk_gb,
        bandwidthGb: body.bandwidth_gb ?? 0,
        minimumBillingCycle: body.minimum_billing_cycle ?? 1,
        provider: body.provider ?? 'simulated',
        position: body.position ?? 0,
        prices: readCyclePrices(body.prices ?? []),
      }
      return reply
        .code(201)
        .send(show(await write(deps, { request, reply, operation: add, input })))
    },
  )
  app.get(
    '/plans',
    {
      schema: reading(
        { operationId: 'listPlans', summary: 'List plans, paused ones too', tag },
        {
          querystring: listQuery({ state: Type.Optional(oneOf(PLAN_STATES)) }),
          answer: listOf(PlanShape),
        },
      ),
    },
    async ({ query }) => {
      const { limit, from } = readPage('plans', query)
      const rows = await listPlans(db, { state: query.state, after: from, limit: limit + 1 })
      return toPage('plans', { rows, limit, render: show })
    },
  )
  app.get(
    '/plans/:id',
    {
      schema: reading(
        { operationId: 'getPlan', summary: 'A plan with its prices', tag },
        { params: IdParams, answer: PlanShape },
      ),
    },
    async ({ params }) => show(await readPlan(db, readId(params.id))),
  )
  app.patch(
    '/plans/:id',
    {
      schema: writing(
        { operationId: 'updatePlan', summary: 'Change, price, pause or resume a plan', tag },
        { params: IdParams, body: PlanChanges, answers: { 200: PlanShape } },
      ),
    },
    async (request, reply) => {
      const { memory_mb, disk_gb, bandwidth_gb, minimum_billing_cycle, prices, ...rest } =
        request.body
      const input = {
        ...rest,
        planId: readId(request.params.id),
        memoryMb: memory_mb,
        diskGb: disk_gb,
        bandwidthGb: bandwidth_gb,
        minimumBillingCycle: minimum_billing_cycle,
        prices: prices && readCyclePrices(prices),
      }
      return show(await write(deps, { request, reply, operation: change, input }))
    },
  )
}

function show(plan: Plan): Static<typeof PlanShape> {
  return {
    id: plan.id,
    public_id: publicIdOf('vpsprod', plan.publicId),
    key: plan.key,
    name: plan.name,
    vcpus: plan.vcpus,
    memory_mb: plan.memoryMb,
    disk_gb: plan.diskGb,
    bandwidth_gb: plan.bandwidthGb,
    minimum_billing_cycle: plan.minimumBillingCycle,
    provider: plan.provider,
    state: plan.state,
    position: plan.position,
    prices: showCyclePrices(plan.prices),
    created_at: plan.createdAt,
    updated_at: plan.updatedAt,
  }
}
