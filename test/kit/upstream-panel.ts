/**
 * Another panel, as upstreams are: an HTTP server of the family's protocol that does what a test
 * tells it to. It can write in several of the family's dialects, and fail in each way that was
 * ever seen, with or without having taken what it was asked.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'

export interface UpstreamDialect {
  /** How errors come: with an HTTP code, or within a 200. */
  readonly errors: 'codes' | 'within 200'
  /** What an order is called: 23501, "23501" or "CR-202411-0001". */
  readonly ids: 'numbers' | 'texts' | 'names'
  /** How amounts and counts are written in a status, a balance and a service. */
  readonly numbers: 'texts' | 'numbers'
  /** How the status of several orders is asked for. */
  readonly manyStatus: 'status' | 'multiStatus' | 'none'
  /** As panel answers a cancel, as PanelBon does, or one order at a time. */
  readonly cancels: 'panel' | 'panelbon' | 'one'
  /** Whether the status of several refills can be asked for. */
  readonly manyRefillStatus: boolean
  /** Whether an order may be refilled that was refilled before. */
  readonly refillsAgain: boolean
  /** Whether a repeat under the same Idempotency-Key has one effect. */
  readonly honoursKeys: boolean
}

export const PANEL_DIALECT: UpstreamDialect = {
  errors: 'codes',
  ids: 'numbers',
  numbers: 'texts',
  manyStatus: 'status',
  cancels: 'panel',
  manyRefillStatus: true,
  refillsAgain: true,
  honoursKeys: true,
}

export interface UpstreamFault {
  /**
   * `hang` answers never, `cut` breaks the connection once the request was read, `nonsense` is no
   * JSON, `duplicate` names an order by the number of another.
   */
  readonly kind: 'hang' | 'cut' | 'nonsense' | 'html' | 'empty' | 'duplicate' | 'answer'
  /** Whether what was asked for is done all the same. */
  readonly takes: boolean
  /** Of `html` and `answer`. */
  readonly status?: number
  /** Of `answer`: what is answered instead. */
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
}

export interface UpstreamOrder {
  readonly id: string
  readonly fields: Readonly<Record<string, string>>
  readonly quantity: number
  status: string
  remains: number
  startCount: number
}

export interface UpstreamCall {
  readonly action: string
  readonly fields: Readonly<Record<string, string>>
  readonly idempotencyKey: string | undefined
}

export interface UpstreamPanel {
  /** Where its API is. */
  readonly url: string
  readonly key: string
  /** Everything it was asked, oldest first. */
  readonly calls: readonly UpstreamCall[]
  /** What it has taken, by id, oldest first. */
  readonly orders: ReadonlyMap<string, UpstreamOrder>
  readonly refills: ReadonlyMap<string, { readonly order: string; status: string }>
  /** What it sells; a test may change it. */
  services: Record<string, unknown>[]
  balance: string
  /** What a new order is refused with; null: it is taken. */
  refuseWith: string | null
  /** The next `times` calls of `action` fail like that. */
  fail(action: string, fault: UpstreamFault, times?: number): void
  /** Says from now on that the order stands like that. */
  report(id: string, standing: Partial<Pick<UpstreamOrder, 'status' | 'remains'>>): void
  close(): Promise<void>
}

export async function startUpstreamPanel(
  o: { dialect?: Partial<UpstreamDialect>; port?: number } = {},
): Promise<UpstreamPanel> {
  const dialect = { ...PANEL_DIALECT, ...o.dialect }
  const world = newWorld()
  const faults: { action: string; fault: UpstreamFault; left: number }[] = []
  const calls: UpstreamCall[] = []
  const open = new Set<Socket>()
  const server = createServer((request, response) => {
    void readFields(request).then((fields) => {
      const header = request.headers['idempotency-key']
      const key = header === undefined ? undefined : String(header)
      const action = fields.action ?? ''
      calls.push({ action, fields, idempotencyKey: key })
      const isKnown = key !== undefined && dialect.honoursKeys && world.byKey.has(key)
      // A panel that honours keys has no other word of its own for what it has taken.
      const fits = ({ kind, takes, status = 200 }: UpstreamFault) =>
        !(isKnown && kind === 'answer' && !takes && status < 429)
      const failing = faults.find(
        (each) => each.action === action && each.left > 0 && fits(each.fault),
      )
      if (failing !== undefined) failing.left--
      const fault = failing?.fault
      const answer =
        fault === undefined || fault.takes
          ? answerOf({ world, dialect, panel }, fields, key)
          : { status: 200, body: {} }
      respond({ request, response, world, dialect }, answer, fault)
    })
  })
  server.on('connection', (socket) => {
    open.add(socket)
    socket.on('close', () => open.delete(socket))
  })
  await new Promise<void>((ready) => server.listen(o.port ?? 0, '127.0.0.1', ready))
  const { port } = server.address() as AddressInfo
  const panel: UpstreamPanel = {
    url: `http://127.0.0.1:${port}/api/v2`,
    key: 'upstream-key-of-purser',
    calls,
    orders: world.orders,
    refills: world.refills,
    services: [
      { service: 1, name: 'Tags', type: 'Default', rate: '0.90', min: '10', max: '1000000' },
    ].map((service) => ({ ...service, category: 'Work', refill: true, cancel: true })),
    balance: '100.84292',
    refuseWith: null,
    fail(action, fault, times = 1) {
      faults.push({ action, fault, left: times })
    },
    report(id, standing) {
      const order = world.orders.get(id)
      if (order === undefined) throw new Error(`the upstream has no order ${id}`)
      Object.assign(order, standing)
    },
    async close() {
      for (const socket of open) socket.destroy()
      await new Promise((closed) => server.close(closed))
    },
  }
  return panel
}

interface World {
  readonly orders: Map<string, UpstreamOrder>
  readonly refills: Map<string, { order: string; status: string }>
  /** What was answered under an idempotency key. */
  readonly byKey: Map<string, Answer>
  nextId: number
}

interface Answer {
  readonly status: number
  readonly body: unknown
}

interface Asked {
  readonly world: World
  readonly dialect: UpstreamDialect
  readonly panel: UpstreamPanel
}

function newWorld(): World {
  return { orders: new Map(), refills: new Map(), byKey: new Map(), nextId: 23_501 }
}

async function readFields(request: IncomingMessage): Promise<Record<string, string>> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return Object.fromEntries(new URLSearchParams(Buffer.concat(chunks).toString('utf8')))
}

function respond(
  o: {
    request: IncomingMessage
    response: ServerResponse
    world: World
    dialect: UpstreamDialect
  },
  answer: Answer,
  fault: UpstreamFault | undefined,
): void {
  if (fault?.kind === 'hang') return
  if (fault?.kind === 'cut') {
    o.request.socket.destroy()
    return
  }
  const { status, type, text } = textOf(o, answer, fault)
  o.response.writeHead(status, { 'content-type': type, ...fault?.headers })
  o.response.end(text)
}

const JSON_TYPE = 'application/json; charset=utf-8'

function textOf(
  { world, dialect }: { world: World; dialect: UpstreamDialect },
  answer: Answer,
  fault: UpstreamFault | undefined,
): { status: number; type: string; text: string } {
  const type = JSON_TYPE
  switch (fault?.kind) {
    case 'nonsense':
      return { status: 200, type, text: '{"order": 23' }
    case 'empty':
      return { status: 200, type, text: '' }
    case 'html': {
      const text = '<!doctype html><h1>Just a moment</h1>'
      return { status: fault.status ?? 200, type: 'text/html', text }
    }
    case 'duplicate': {
      const first = world.orders.keys().next().value ?? '23500'
      return { status: 200, type, text: JSON.stringify({ order: idAs(dialect, first) }) }
    }
    case 'answer':
      return { status: fault.status ?? 200, type, text: JSON.stringify(fault.body ?? {}) }
    default:
      return { status: answer.status, type, text: JSON.stringify(answer.body) }
  }
}

function answerOf(
  asked: Asked,
  fields: Readonly<Record<string, string>>,
  key: string | undefined,
): Answer {
  if (fields.key !== asked.panel.key) return refused(asked, 401, 'Invalid API key')
  if (key === undefined || !asked.dialect.honoursKeys) return actionOf(asked, fields)
  const earlier = asked.world.byKey.get(key)
  if (earlier !== undefined) return earlier
  const answer = actionOf(asked, fields)
  const isEffect = answer.status === 200 && !('error' in (answer.body as object))
  if (isEffect) asked.world.byKey.set(key, answer)
  return answer
}

function actionOf(asked: Asked, fields: Readonly<Record<string, string>>): Answer {
  const { panel, dialect } = asked
  switch (fields.action) {
    case 'balance':
      return ok({ balance: amountAs(dialect, panel.balance), currency: 'USD' })
    case 'services':
      return ok(panel.services)
    case 'add':
      return add(asked, fields)
    case 'status':
      return dialect.manyStatus === 'status' && fields.orders !== undefined
        ? manyStatus(asked, fields.orders)
        : oneStatus(asked, fields.order)
    case 'multiStatus':
      return dialect.manyStatus === 'multiStatus' && fields.orders !== undefined
        ? manyStatus(asked, fields.orders)
        : refused(asked, 400, 'Incorrect request')
    case 'cancel':
      return cancel(asked, fields)
    case 'refill':
      return refill(asked, fields)
    case 'refill_status':
      return refillStatus(asked, fields)
    default:
      return refused(asked, 400, 'Incorrect request')
  }
}

function ok(body: unknown): Answer {
  return { status: 200, body }
}

function refused({ dialect }: Asked, status: number, error: string): Answer {
  return { status: dialect.errors === 'codes' ? status : 200, body: { error } }
}

function idAs({ ids }: UpstreamDialect, id: string): unknown {
  return ids === 'numbers' ? Number(id) : id
}

function amountAs({ numbers }: UpstreamDialect, text: string): unknown {
  return numbers === 'numbers' ? Number(text) : text
}

function add(asked: Asked, fields: Readonly<Record<string, string>>): Answer {
  const { world, dialect, panel } = asked
  if (panel.refuseWith !== null) return refused(asked, 400, panel.refuseWith)
  if (!panel.services.some(({ service }) => String(service) === fields.service)) {
    return refused(asked, 404, 'Incorrect service ID')
  }
  const number = world.nextId++
  const id = dialect.ids === 'names' ? `CR-202411-${number}` : String(number)
  const lines = (fields.comments ?? fields.usernames ?? '').split(/\r?\n/).filter(Boolean).length
  const quantity = Number(fields.quantity ?? lines)
  const standing = { status: 'Pending', remains: quantity, startCount: 0 }
  world.orders.set(id, { id, fields, quantity, ...standing })
  return ok({ order: idAs(dialect, id) })
}

function statusOf({ world, dialect }: Asked, id: string): object | undefined {
  const order = world.orders.get(id)
  if (order === undefined) return undefined
  return {
    charge: amountAs(dialect, '0.27819'),
    start_count: amountAs(dialect, String(order.startCount)),
    status: order.status,
    remains: amountAs(dialect, String(order.remains)),
    currency: 'USD',
  }
}

function oneStatus(asked: Asked, id: string | undefined): Answer {
  const status = statusOf(asked, id ?? '')
  return status === undefined ? refused(asked, 404, 'Incorrect order ID') : ok(status)
}

function manyStatus(asked: Asked, orders: string): Answer {
  const ids = orders.split(',')
  if (ids.length > 100) return refused(asked, 400, 'Too many orders')
  const status = (id: string) => statusOf(asked, id) ?? { error: 'Incorrect order ID' }
  return ok(Object.fromEntries(ids.map((id) => [id, status(id)])))
}

function cancel(asked: Asked, fields: Readonly<Record<string, string>>): Answer {
  const { world, dialect } = asked
  const stop = (id: string): string | undefined => {
    const order = world.orders.get(id)
    if (order === undefined) return 'Incorrect order ID'
    if (!['Pending', 'In progress'].includes(order.status)) return 'Order cannot be canceled'
    order.status = 'Canceled'
    return undefined
  }
  if (dialect.cancels === 'one') {
    const id = fields.order
    if (id === undefined) return refused(asked, 400, 'Incorrect request')
    const error = stop(id)
    return error === undefined ? ok({ cancel: 1 }) : refused(asked, 400, error)
  }
  const answers = (fields.orders ?? fields.order ?? '').split(',').map((id) => {
    const error = stop(id)
    const order = idAs(dialect, id)
    if (dialect.cancels === 'panelbon')
      return { order, cancel: error === undefined ? 1 : { error } }
    return error === undefined ? { order, cancel: { status: 'success' } } : { order, error }
  })
  return ok(answers)
}

function refill(asked: Asked, fields: Readonly<Record<string, string>>): Answer {
  const { world, dialect } = asked
  const id = fields.order ?? ''
  const order = world.orders.get(id)
  if (order === undefined) return refused(asked, 404, 'Incorrect order ID')
  const before = [...world.refills.values()].some((each) => each.order === id)
  if (order.status !== 'Completed' || (before && !dialect.refillsAgain)) {
    return refused(asked, 400, 'Order cannot be refilled')
  }
  const refillId = String(world.refills.size + 1)
  world.refills.set(refillId, { order: id, status: 'Pending' })
  return ok({ refill: dialect.numbers === 'numbers' ? Number(refillId) : refillId })
}

function refillStatus(asked: Asked, fields: Readonly<Record<string, string>>): Answer {
  const { world, dialect } = asked
  const statusBy = (id: string) => world.refills.get(id)?.status
  if (fields.refills !== undefined && dialect.manyRefillStatus) {
    return ok(
      fields.refills.split(',').map((id) => ({
        refill: dialect.numbers === 'numbers' ? Number(id) : id,
        status: statusBy(id) ?? { error: 'Refill not found' },
      })),
    )
  }
  const status = statusBy(fields.refill ?? '')
  return status === undefined ? refused(asked, 404, 'Refill not found') : ok({ status })
}
