import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { authorize, authorizeAny } from '../../core/execute.ts'
import { cancelOrders } from '../../core/orders/cancel-orders.ts'
import { ORDER_FIELDS, type OrderRequest } from '../../core/orders/order-fields.ts'
import { ORDER_READERS } from '../../core/orders/order-reader.ts'
import { placeOrder } from '../../core/orders/place-order.ts'
import { Refusal } from '../../core/refusal.ts'
import { acceptForms, fieldsOf } from '../../http/form-body.ts'
import { idempotencyKeyOf, toldIfReplayed } from '../../http/idempotency-key.ts'
import { askedAlone, askedIds } from './asked-ids.ts'
import type { PanelCall } from './panel-call.ts'
import type { PanelDeps } from './panel-deps.ts'
import type { PanelDialect } from './panel-dialect.ts'
import { refill, refillStatus } from './refill-actions.ts'
import { serviceList } from './service-list.ts'

/** Mounts an API of the "API v2" family: one path, `key` and `action` in a form. */
export function registerPanel(app: FastifyInstance, dialect: PanelDialect, deps: PanelDeps): void {
  app.register((scope, _options, done) => {
    acceptForms(scope)
    scope.setErrorHandler((error, request, reply) =>
      refuse({ dialect, deps, request, reply, legacyErrors: false }, error),
    )
    scope.route({
      method: ['GET', 'POST'],
      url: dialect.path,
      // Looking at an address must not buy what its query asks for.
      exposeHeadRoute: false,
      handler: (request, reply) => answer(dialect, deps, request, reply),
    })
    scope.route({
      method: ['HEAD', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'],
      url: dialect.path,
      handler: async () => {
        throw new Refusal('invalid_input', { detail: 'Send a POST with key and action' })
      },
    })
    done()
  })
}

/** Key → limits → action; scope, shape, objects, state and money are the core's to check. */
async function answer(
  dialect: PanelDialect,
  deps: PanelDeps,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  let legacyErrors = false
  try {
    const fields = fieldsOf(request)
    const actor = await deps.authenticate(fields.key?.trim() ?? '', request, reply)
    legacyErrors = actor.legacyErrors
    deps.limits.countPanel(request, reply)
    const action = ACTIONS.get(fields.action?.trim().toLowerCase() ?? '')
    if (action === undefined) {
      throw new Refusal('unknown_action', {
        detail: `action must be one of ${ACTION_NAMES.join(', ')}`,
      })
    }
    const idempotencyKey = idempotencyKeyOf(request, fields.idempotency_key)
    const text = await action({ dialect, deps, actor, fields, idempotencyKey, reply })
    return reply.type(JSON_TYPE).send(text)
  } catch (error) {
    return refuse({ dialect, deps, request, reply, legacyErrors }, error)
  }
}

const JSON_TYPE = 'application/json; charset=utf-8'
const ACTION_NAMES = [
  'balance',
  'services',
  'add',
  'status',
  'multiStatus',
  'cancel',
  'refill',
  'refill_status',
] as const

/** Answers with JSON: a text, or the bytes of one that is kept. */
type Action = (call: PanelCall) => Promise<string | Buffer>

const ACTIONS: ReadonlyMap<string, Action> = new Map<string, Action>([
  ['balance', balance],
  ['services', services],
  ['add', add],
  ['status', status],
  ['multistatus', manyStatuses],
  ['cancel', cancel],
  ['refill', refill],
  ['refill_status', refillStatus],
])

async function balance({ dialect, deps, actor }: PanelCall): Promise<string> {
  const balanceMicros = await deps.reader.balance(actor)
  return dialect.balance({ balanceMicros, currency: actor.currency })
}

async function services({ dialect, deps, actor, reply }: PanelCall): Promise<Buffer> {
  authorizeAny(actor, ORDER_READERS)
  return serviceList(reply, { dialect, desk: deps.desk, actor })
}

async function add({ dialect, deps, actor, fields, ...call }: PanelCall): Promise<string> {
  const request: Record<string, string> = {}
  for (const field of ORDER_FIELDS) {
    const text = fields[field]
    if (text !== undefined) request[field] = text
  }
  const placed = await placeOrder(deps.desk, {
    actor,
    request: request as OrderRequest,
    idempotencyKey: call.idempotencyKey,
  })
  return dialect.added(toldIfReplayed(call.reply, placed))
}

async function status(call: PanelCall): Promise<string> {
  authorizeAny(call.actor, ORDER_READERS)
  const one = askedAlone(call.fields, 'order')
  if (one === undefined) return manyStatuses(call)
  return call.dialect.status(await call.deps.reader.one(call.actor, one))
}

async function manyStatuses({ dialect, deps, actor, fields }: PanelCall): Promise<string> {
  authorizeAny(actor, ORDER_READERS)
  const orders = await deps.reader.many(actor, askedIds(fields, 'order'))
  const parts: string[] = []
  for (const [name, order] of orders) {
    parts.push(
      `${JSON.stringify(name)}:${order === undefined ? dialect.unknownOrder() : dialect.status(order)}`,
    )
  }
  return `{${parts.join(',')}}`
}

async function cancel({ dialect, deps, actor, fields, ...call }: PanelCall): Promise<string> {
  authorize(actor, 'write:orders')
  const canceled = await cancelOrders(deps.cancelling, {
    actor,
    input: { orders: askedIds(fields, 'order') },
    idempotencyKey: call.idempotencyKey,
  })
  return dialect.canceled(toldIfReplayed(call.reply, canceled).results)
}

function refuse(
  by: {
    dialect: PanelDialect
    deps: PanelDeps
    request: FastifyRequest
    reply: FastifyReply
    legacyErrors: boolean
  },
  error: unknown,
): FastifyReply {
  const refusal = by.deps.toRefusal(error, by.request)
  if (refusal.retryAfterSeconds !== undefined) {
    by.reply.header('retry-after', refusal.retryAfterSeconds)
  }
  const { status, text } = by.dialect.refused(refusal)
  return by.reply
    .code(by.legacyErrors ? 200 : status)
    .type(JSON_TYPE)
    .send(JSON.stringify({ error: text }))
}
