// An upstream panel of the "API v2" kind that takes every order and does nothing for it, as fast as
// Node answers: what it costs Purser to speak to one is what is measured. Tells at /stats what it
// was asked; a POST to /reset begins that anew. UPSTREAM_COMPLETES_AFTER_MS: how long an order is
// in progress; without it, for ever.
import { createServer, type ServerResponse } from 'node:http'
import querystring from 'fast-querystring'

const JSON_TYPE = { 'content-type': 'application/json; charset=utf-8' }
const completesAfterMs = Number(process.env.UPSTREAM_COMPLETES_AFTER_MS ?? Number.POSITIVE_INFINITY)
const SERVICE = {
  ...{ service: '1', name: 'Tagging', type: 'Default', category: 'Bench', rate: '0.50' },
  ...{ min: '1', max: '1000000', refill: false, cancel: false, dripfeed: false, description: '' },
}

let lastOrder = 0
/** Orders by the key that names them, so that one that is sent twice is known. */
const taken = new Map<string, number>()
const takenAtMs = new Map<string, number>()
const lookedAtMs = new Map<string, number>()
let counts = { asked: 0, added: 0, repeated: 0, looked: 0, widestMs: 0 }

function add(name: string): object {
  const known = taken.get(name)
  counts.added++
  if (known !== undefined) {
    counts.repeated++
    return { order: known }
  }
  lastOrder++
  taken.set(name, lastOrder)
  if (completesAfterMs !== Number.POSITIVE_INFINITY) takenAtMs.set(String(lastOrder), Date.now())
  return { order: lastOrder }
}

function status(order: string): object {
  const nowMs = performance.now()
  counts.looked++
  counts.widestMs = Math.max(counts.widestMs, nowMs - (lookedAtMs.get(order) ?? nowMs))
  lookedAtMs.set(order, nowMs)
  const isDone = Date.now() - (takenAtMs.get(order) ?? Number.POSITIVE_INFINITY) >= completesAfterMs
  return {
    ...{ charge: '0.025', start_count: '10', currency: 'USD' },
    ...(isDone ? { status: 'Completed', remains: '0' } : { status: 'In progress', remains: '50' }),
  }
}

function answer(fields: Record<string, string>, key: string | undefined): unknown {
  const { action, order, orders, link = '' } = fields
  switch (action) {
    case 'add':
      return add(key ?? link)
    case 'status':
      if (orders === undefined) return status(order ?? '')
      return Object.fromEntries(orders.split(',').map((each) => [each, status(each)]))
    case 'balance':
      return { balance: '1000000.00000', currency: 'USD' }
    case 'services':
      return [SERVICE]
    default:
      return { error: 'Incorrect request' }
  }
}

function stats(): object {
  const nowMs = performance.now()
  let widestMs = counts.widestMs
  for (const atMs of lookedAtMs.values()) widestMs = Math.max(widestMs, nowMs - atMs)
  return { ...counts, orders: taken.size, seen: lookedAtMs.size, widestMs }
}

function send(response: ServerResponse, body: unknown): void {
  response.writeHead(200, JSON_TYPE).end(JSON.stringify(body))
}

const server = createServer((request, response) => {
  if (request.url === '/stats') return send(response, stats())
  if (request.url === '/reset') {
    counts = { asked: 0, added: 0, repeated: 0, looked: 0, widestMs: 0 }
    return send(response, {})
  }
  let text = ''
  request.setEncoding('utf8')
  request.on('data', (chunk: string) => {
    text += chunk
  })
  request.on('end', () => {
    counts.asked++
    const fields = querystring.parse(text) as Record<string, string>
    const key = request.headers['idempotency-key']
    send(response, answer(fields, typeof key === 'string' ? key : undefined))
  })
})
process.once('SIGTERM', () => process.exit(0))
server.listen(Number(process.env.PORT), '127.0.0.1')
