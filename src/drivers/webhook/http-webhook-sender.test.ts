import assert from 'node:assert/strict'
import { createSocket, type Socket } from 'node:dgram'
import { Resolver } from 'node:dns/promises'
import { createServer, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, test } from 'node:test'
import type { WebhookAnswer, WebhookSender } from '../../core/webhooks/webhook-sender.ts'
import { httpWebhookSender } from './http-webhook-sender.ts'

/** No machine is so slow that what is answered takes this long. */
const PATIENCE_MS = 60_000

let server: Server
let port: number
let names: Socket
/** Waits long for its answers; the other gives up soon. */
let resolver: Resolver
let hasty: Resolver
/** Addresses by name; several are answered together. */
const addresses = new Map<string, readonly string[]>()
const requests: string[] = []
const senders: WebhookSender[] = []

before(async () => {
  server = createServer((request, response) => {
    requests.push(request.url ?? '')
    request.resume()
    answer(request.url ?? '', response)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  port = (server.address() as AddressInfo).port
  names = await openNameServer()
  resolver = new Resolver({ timeout: PATIENCE_MS, tries: 1 })
  hasty = new Resolver({ timeout: 500, tries: 1 })
  for (const each of [resolver, hasty]) each.setServers([`127.0.0.1:${names.address().port}`])
})

after(async () => {
  for (const sender of senders) await sender.close()
  server.closeAllConnections()
  server.close()
  names.close()
})

function answer(path: string, response: ServerResponse): void {
  if (path === '/hang') return
  if (path === '/drip') {
    response.writeHead(200)
    const dripping = setInterval(() => response.write('x'), 20)
    response.on('close', () => clearInterval(dripping))
    return
  }
  if (path === '/cut') {
    response.destroy()
    return
  }
  if (path === '/redirect') response.writeHead(302, { location: '/' }).end()
  else if (path === '/busy') response.writeHead(429, { 'retry-after': '7' }).end()
  else if (path === '/long') response.writeHead(200).end('x'.repeat(1_000_000))
  else response.writeHead(204).end()
}

/** A name server that knows `addresses`; what it does not know it does not answer. */
async function openNameServer(): Promise<Socket> {
  const socket = createSocket('udp4')
  socket.on('message', (query, from) => {
    const labels: string[] = []
    let at = 12
    for (let length = query[at]!; length > 0; length = query[at]!) {
      labels.push(query.subarray(at + 1, at + 1 + length).toString())
      at += length + 1
    }
    const question = query.subarray(12, at + 5)
    const isIpv4 = query.readUInt16BE(at + 1) === 1
    const known = addresses.get(labels.join('.'))
    if (known === undefined) return
    const records = isIpv4 ? known : []
    const header = Buffer.alloc(12)
    query.copy(header, 0, 0, 2)
    header.writeUInt16BE(0x8180, 2)
    header.writeUInt16BE(1, 4)
    header.writeUInt16BE(records.length, 6)
    const found = records.map((address) => {
      const record = Buffer.from([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 1, 0, 4, 0, 0, 0, 0])
      Buffer.from(address.split('.').map(Number)).copy(record, 12)
      return record
    })
    socket.send(Buffer.concat([header, question, ...found]), from.port, from.address)
  })
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve))
  return socket
}

function open(
  networks: readonly string[],
  o: { timeoutMs?: number; resolver?: Resolver } = {},
): WebhookSender {
  const sender = httpWebhookSender({ networks, resolver, timeoutMs: PATIENCE_MS, ...o })
  senders.push(sender)
  return sender
}

async function send(sender: WebhookSender, url: string): Promise<WebhookAnswer> {
  const secrets = ['whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw']
  return await sender.send({ url, id: 'evt_1', body: '{}', secrets })
}

test('what is not public is never connected to, however it is written', async () => {
  const sender = open([])
  addresses.set('private.test', ['127.0.0.1'])
  addresses.set('mixed.test', ['10.0.0.1', '127.0.0.1'])
  const hosts = [
    ...['127.0.0.1', 'localhost', 'x.localhost', '2130706433', '0x7f.1', '0177.0.0.1', '0'],
    ...['[::1]', '[::ffff:127.0.0.1]', '[::ffff:7f00:1]', '[::]', '169.254.169.254', '10.0.0.1'],
    ...['private.test', 'mixed.test', 'private.test.'],
  ]
  for (const host of hosts) {
    const outcome = await send(sender, `http://${host}:${port}/`)
    assert.deepEqual(outcome, { kind: 'unreachable', error: 'the address is not public' }, host)
  }
  assert.deepEqual(requests, [])
})

test('of several addresses of a name, only those that may be reached are', async () => {
  addresses.set('both.test', ['127.0.0.9', '127.0.0.1'])
  const outcome = await send(open(['127.0.0.1']), `http://both.test:${port}/both`)
  assert.deepEqual(outcome, { kind: 'answered', status: 204, retryAfterMs: null })
})

test('answers are taken as they are, without what follows', async () => {
  const sender = open(['127.0.0.0/8'])
  const at = (path: string) => send(sender, `http://127.0.0.1:${port}${path}`)
  const answered = (status: number, retryAfterMs: number | null = null) => ({
    kind: 'answered',
    status,
    retryAfterMs,
  })
  assert.deepEqual(await at('/'), answered(204))
  assert.deepEqual(await at('/redirect'), answered(302))
  assert.deepEqual(await at('/busy'), answered(429, 7_000))
  assert.deepEqual(await at('/long'), answered(200))
  const brief = open(['127.0.0.0/8'], { timeoutMs: 3_000 })
  assert.deepEqual(await send(brief, `http://127.0.0.1:${port}/drip`), answered(200))
  const hung = await send(
    open(['127.0.0.0/8'], { timeoutMs: 400 }),
    `http://127.0.0.1:${port}/hang`,
  )
  assert.deepEqual(hung, { kind: 'unreachable', error: 'timeout' })
  assert.deepEqual(await at('/cut'), { kind: 'unreachable', error: 'connection closed' })
  assert.deepEqual(await at('/'), answered(204))
})

test('who is not there is said without telling of our network', async () => {
  const sender = open(['127.0.0.0/8'])
  const outcome = await send(sender, 'http://127.0.0.1:1/')
  assert.deepEqual(outcome, { kind: 'unreachable', error: 'connection refused' })
  addresses.set('nowhere.test', [])
  const nowhere = await send(sender, 'http://nowhere.test/')
  assert.deepEqual(nowhere, { kind: 'unreachable', error: 'no such host' })
  const silent = await send(open([], { resolver: hasty }), 'http://silent.test/')
  assert.equal(silent.kind, 'unreachable')
})

test('once closed it gives up what it is sending', async () => {
  const sender = httpWebhookSender({ networks: ['127.0.0.0/8'] })
  const before = requests.length
  const sending = send(sender, `http://127.0.0.1:${port}/hang`)
  while (requests.length === before) await new Promise((resolve) => setImmediate(resolve))
  await sender.close()
  assert.deepEqual(await sending, { kind: 'stopped' })
})
