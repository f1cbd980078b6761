import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type AdminApp, startAdminApp } from '../../../test/kit/admin-app.ts'
import { limitsAreTold } from './follow-limits.ts'
import { recordOffers } from './record-look.ts'
import type { UpstreamOffer } from './upstream-driver.ts'
import { readUpstream } from './upstream-views.ts'

let admin: AdminApp
let upstreams = 0

before(async () => {
  admin = await startAdminApp()
})
after(() => admin.close())

interface Seen {
  readonly id: string
  readonly subject: string
  readonly times: number
  readonly data: Readonly<Record<string, string>>
}

async function asked(method: string, path: string, body?: unknown) {
  const answer = await admin.ask(method, `/admin/v1${path}`, body)
  assert.ok(answer.status < 300, `${method} ${path}: ${answer.text}`)
  return answer.json
}

function offer(changes: Partial<UpstreamOffer> = {}): UpstreamOffer {
  return {
    service: '1',
    name: 'Service',
    type: 'Default',
    category: 'Work',
    description: '',
    rateMicros: 1_000_000n,
    minQuantity: 10n,
    maxQuantity: 500n,
    canRefill: false,
    canCancel: false,
    canDripfeed: false,
    ...changes,
  }
}

/** An upstream that lists one service, which is sold here within the same limits. */
async function selling(first: Partial<UpstreamOffer> = {}) {
  const name = `limits-${++upstreams}`
  const terms = { name, url: 'https://panel.example/api/v2', api_key: 'k', currency: 'USD' }
  const { id } = await asked('POST', '/upstreams', terms)
  const upstreamId = BigInt(id)
  const lists = async (...offers: UpstreamOffer[]) => {
    await admin.run(recordOffers, { upstreamId, offers, currency: 'USD' })
  }
  await lists(offer(first))
  const { imported } = await asked('POST', `/upstreams/${id}/import`, { services: ['1'] })
  const serviceId: string = imported[0].service_id
  const open = async (): Promise<Seen[]> => {
    const kind = 'kind=upstream.service_limits'
    const { data } = await asked('GET', `/notices?open=true&${kind}&limit=100`)
    return (data as Seen[]).filter((notice) => notice.data.upstream === name)
  }
  const { db } = admin.database
  return {
    name,
    serviceId,
    lists,
    open,
    change: (body: object) => asked('PATCH', `/services/${serviceId}`, body),
    areTold: async () => await limitsAreTold(db, await readUpstream(db, upstreamId)),
  }
}

test('limits that an upstream narrows are told once for each change, and change nothing', async () => {
  const { name, serviceId, lists, open } = await selling()
  await lists(offer({ minQuantity: 5n, maxQuantity: 900n }))
  assert.deepEqual(await open(), [], 'what is wider takes all that is ordered here')
  await lists(offer({ minQuantity: 20n }))
  const [notice, ...others] = await open()
  assert.deepEqual(others, [])
  assert.equal(notice?.subject, `${name}/${serviceId}`)
  assert.deepEqual(notice.data, {
    service_id: serviceId,
    upstream: name,
    upstream_service: '1',
    min_quantity: '10',
    max_quantity: '500',
    upstream_min_quantity: '20',
    upstream_max_quantity: '500',
  })
  await lists(offer({ minQuantity: 20n, rateMicros: 2_000_000n }))
  assert.equal((await open())[0]?.times, 1, 'another price is no other limit')
  await lists(offer({ minQuantity: 20n, maxQuantity: 400n }))
  const [again] = await open()
  assert.deepEqual([again?.id, again?.times], [notice.id, 2])
  assert.equal(again?.data.upstream_max_quantity, '400')
  const service = await asked('GET', `/services/${serviceId}`)
  assert.deepEqual([service.min_quantity, service.max_quantity, service.state], [10, 500, 'active'])
})

test('a notice that somebody closed opens at the next change alone', async () => {
  const { lists, open } = await selling()
  await lists(offer({ maxQuantity: 400n }))
  const [notice] = await open()
  await asked('POST', `/notices/${notice?.id}/close`, {})
  await lists(offer({ maxQuantity: 400n, name: 'Another' }))
  assert.deepEqual(await open(), [])
  await lists(offer({ maxQuantity: 300n }))
  assert.equal((await open()).length, 1)
})

test('it closes once it fits again, whoever has moved', async () => {
  const { name, lists, open, change, areTold } = await selling()
  await lists(offer({ maxQuantity: 400n }))
  assert.equal((await open()).length, 1)
  assert.ok(await areTold())
  await lists(offer())
  assert.deepEqual(await open(), [], 'the upstream takes as much as before')

  await lists(offer({ maxQuantity: 400n }))
  await change({ max_quantity: 400 })
  assert.ok(!(await areTold()), 'a list that is the same is looked at, too')
  await lists(offer({ maxQuantity: 400n }))
  assert.deepEqual(await open(), [], 'the operator has narrowed it')
  assert.ok(await areTold())

  await lists(offer({ maxQuantity: 300n }))
  await change({ providers: [{ provider: 'simulated' }] })
  assert.equal((await open()).length, 1)
  await lists(offer({ maxQuantity: 300n }))
  assert.deepEqual(await open(), [], `${name} is not asked for it any more`)
})

test('only what can be ordered counts: multiples of the step, and what a Package delivers', async () => {
  const stepped = await selling()
  await stepped.change({ quantity_step: 100, max_quantity: 450 })
  await stepped.lists(offer({ minQuantity: 100n, maxQuantity: 400n }))
  assert.deepEqual(await stepped.open(), [])
  await stepped.lists(offer({ minQuantity: 100n, maxQuantity: 399n }))
  assert.equal((await stepped.open()).length, 1)

  const fixed = { type: 'Package', minQuantity: 250n, maxQuantity: 250n }
  const bundle = await selling(fixed)
  await bundle.lists(offer({ ...fixed, minQuantity: 200n, maxQuantity: 200n }))
  const [notice] = await bundle.open()
  assert.deepEqual(
    [notice?.data.package_quantity, notice?.data.upstream_max_quantity],
    ['250', '200'],
  )

  const one = { type: 'Package', minQuantity: 1n, maxQuantity: 1n }
  const unsaid = await selling(one)
  await unsaid.change({ package_quantity: 1000 })
  await unsaid.lists(offer({ ...one, maxQuantity: 2n }))
  assert.deepEqual(await unsaid.open(), [], 'its list said nothing of the quantity before either')
})
