/** Servers as this API lists and shows them. */
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { hostupClient } from '../../kit/hostup.ts'
import { suspendForAbuse, terminate } from '../../kit/operator.ts'
import { startTestPurser } from '../../kit/purser.ts'
import { injectFault, newCustomer } from '../../kit/shop.ts'
import {
  assertError,
  assertFieldError,
  assertJson,
  assertShape,
  onePage,
  vpsbgClient,
} from '../../kit/vpsbg.ts'
import { newServer, sampleServer, setSampleClock, type VpsbgScene } from '../../kit/vpsbg-scene.ts'

const LIST = 'get /v1/servers'
const ONE = 'get /v1/servers/{id}'
const STATUS = 'get /v1/servers/{id}/status'

const purser = await startTestPurser({ env: { PURSER_TEST_CLOCK: '1' } })
after(() => purser.stop())
await setSampleClock(purser)

interface Shown {
  id: number
  hostname: string
  created_at: string
  plan: { id: number }
  ip_addresses: { id: number }[]
}

/** The sample's server; its addresses' and its plan's numbers are read from `shown`. */
function serverJson(scene: VpsbgScene, shown: Shown) {
  return {
    id: Number(scene.id),
    hostname: 'ubuntu-2gb',
    billing_cycle: 3,
    plan: {
      id: shown.plan.id,
      type: 'vps',
      key: scene.planKey,
      name: 'Cloud VPS 2 GB',
      vcpus: 1,
      memory: 2048,
      disk: 40,
      bandwidth: 2000,
      minimum_billing_cycle: 1,
      available: true,
      price: 75,
      price_with_vat: 90,
    },
    status: 'active',
    virtualization: 'kvm',
    promo_code: null,
    locked: false,
    locked_at: null,
    created_at: shown.created_at,
    expiry_at: '2025-06-19T21:00:00.000000Z',
    auto_renew: true,
    server_image: {
      id: null,
      name: 'Ubuntu 24.04',
      group: { name: 'Ubuntu', type: 'os', key: 'ubuntu' },
    },
    ip_addresses: [
      {
        id: shown.ip_addresses[0]?.id,
        ip_address: scene.address,
        gateway: scene.gateway,
        mask: '255.255.255.0',
        version: 4,
        type: 'public',
        main: true,
        ddos_protected: false,
        ptr: null,
      },
    ],
    addons: [{ name: 'cPanel & WHM license - up to 30 accounts', quantity: 1 }],
  }
}

test('the list: every field of a server', async () => {
  const scene = await sampleServer(purser)
  const answer = await vpsbgClient(purser, scene.customer.key).get('/servers')
  const [shown] = (answer.json as { data: Shown[] }).data
  assert.ok(shown)
  const data = [serverJson(scene, shown)]
  assertJson(answer, LIST, 200, onePage(`${purser.url}/v1/servers`, data))
})

test('one server: by number and by public id, with how it runs', async () => {
  const scene = await sampleServer(purser)
  const client = vpsbgClient(purser, scene.customer.key)
  for (const name of [scene.id, scene.publicId]) {
    const answer = await client.get(`/servers/${name}`)
    const shown = answer.json as Shown & { state: { cpu: { used: number } } }
    const state = {
      running: true,
      node_reachable: true,
      cpu: { used: shown.state.cpu.used },
    }
    assertJson(answer, ONE, 200, { ...serverJson(scene, shown), state })
  }
})

test('status: what the provider measures, within the limits of the plan', async () => {
  const scene = await sampleServer(purser)
  const client = vpsbgClient(purser, scene.customer.key)
  const answer = await client.get(`/servers/${scene.id}/status`)
  const { cpu, disk, bandwidth } = answer.json as {
    cpu: { used: number; free: number }
    disk: { used: number }
    bandwidth: { used: number }
  }
  assertJson(answer, STATUS, 200, {
    running: true,
    suspended: false,
    network_suspended: false,
    rescue_mode: false,
    dns_resolvers: [],
    cpu,
    disk: { used: disk.used, limit: 40 },
    bandwidth: { used: bandwidth.used, limit: 2000 },
  })
  assert.ok(cpu.used >= 0 && Math.abs(cpu.used + cpu.free - 100) < 0.01)
})

test('a gigabyte of traffic is 1024 MB, in this API as in the others', async () => {
  const scene = await sampleServer(purser)
  const { key } = scene.customer
  const asked = await Promise.all([
    vpsbgClient(purser, key).get(`/servers/${scene.id}/status`),
    hostupClient(purser, key).get(`/v2/vps/${scene.id}/status`),
  ])
  const [{ bandwidth }, { network }] = asked.map((answer) => answer.json) as [
    { bandwidth: { used: number } },
    { network: { totalGb: number } },
  ]
  assert.ok(bandwidth.used > 0)
  // The traffic of a moment may lie between the two.
  assert.ok(Math.abs(bandwidth.used - network.totalGb) < 0.011, JSON.stringify(asked))
})

test('plans: what is sold in the currency, each for its shortest cycle', async () => {
  const scene = await sampleServer(purser)
  const answer = await vpsbgClient(purser, scene.customer.key).get('/servers/plans')
  assertShape(answer, 'get /v1/servers/plans', 200)
  const plans = answer.json as { id: number; key: string }[]
  assert.deepEqual(
    plans.find(({ key }) => key === scene.planKey),
    {
      id: Number(scene.planId),
      type: 'vps',
      key: scene.planKey,
      name: 'Cloud VPS 2 GB',
      vcpus: 1,
      memory: 2048,
      disk: 40,
      bandwidth: 2000,
      minimum_billing_cycle: 1,
      available: true,
      price: 30,
      price_with_vat: 36,
    },
  )
  const stranger = await newCustomer(purser, { currency: 'ISK' })
  const none = await vpsbgClient(purser, stranger.key).get('/servers/plans')
  assertJson(none, 'get /v1/servers/plans', 200, [])
})

test('a provider that does not answer: the server is shown, its status is not', async () => {
  const scene = await sampleServer(purser)
  const client = vpsbgClient(purser, scene.customer.key)
  await injectFault(purser, { operation: 'server_status', fault: 'error', times: 2 })
  const shown = await client.get(`/servers/${scene.id}`)
  assertShape(shown, ONE, 200)
  assert.deepEqual((shown.json as { state: unknown }).state, {
    running: false,
    node_reachable: false,
    cpu: { used: 0 },
  })
  assertError(await client.get(`/servers/${scene.id}/status`), STATUS, {
    status: 500,
    code: 'provider_error',
    message: 'The provider did not answer.',
  })
})

test('filters and sorts', async () => {
  const scene = await sampleServer(purser)
  await newServer(purser, scene, { hostname: 'later', from: '2025-04-20' })
  const abused = await newServer(purser, scene, { hostname: 'abused', from: '2025-02-20' })
  await suspendForAbuse(purser, abused)
  const client = vpsbgClient(purser, scene.customer.key)
  const names = async (query: string) => {
    const answer = await client.get(`/servers?${query}`)
    assertShape(answer, LIST, 200)
    return (answer.json as { data: Shown[] }).data.map((row) => row.hostname)
  }
  for (const [query, expected] of [
    ['', ['abused', 'later', 'ubuntu-2gb']],
    ['sort[created_at]=asc', ['ubuntu-2gb', 'later', 'abused']],
    ['sort[created_at]=desc', ['abused', 'later', 'ubuntu-2gb']],
    ['sort[expiry_at]=asc', ['abused', 'ubuntu-2gb', 'later']],
    ['sort%5Bexpiry_at%5D=desc', ['later', 'ubuntu-2gb', 'abused']],
    ['filter[status]=active&sort[created_at]=asc', ['ubuntu-2gb', 'later']],
    ['filter[status]=suspended', ['abused']],
    ['filter[status]=active,suspended&per_page=2', ['abused', 'later']],
    ['filter[status]=processing', []],
    ['filter[status]=terminated', []],
    [`filter[ip]=${scene.address}`, ['ubuntu-2gb']],
    ['filter[ip]=203.0.113.254', []],
    ['filter[ip]=no-address', []],
    ['filter[search]=UBUNTU', ['ubuntu-2gb']],
    ['filter[search]=%25', []],
    ['filter[shoe]=43', ['abused', 'later', 'ubuntu-2gb']],
  ] as const) {
    assert.deepEqual(await names(query), expected, query)
  }
  const [suspended] = (
    (await client.get('/servers?filter[status]=suspended')).json as {
      data: { status: string }[]
    }
  ).data
  assert.equal(suspended?.status, 'suspended')
})

test('a server that has ended is listed where it is asked for, and renews itself no more', async () => {
  const scene = await sampleServer(purser)
  const client = vpsbgClient(purser, scene.customer.key)
  const rows = async (query: string) => {
    const answer = await client.get(`/servers?${query}`)
    assertShape(answer, LIST, 200)
    return (answer.json as { data: { status: string; auto_renew: boolean }[] }).data.map(
      ({ status, auto_renew }) => [status, auto_renew],
    )
  }
  assert.deepEqual(await rows(''), [['active', true]])
  await terminate(purser, scene)
  assert.deepEqual(await rows(''), [])
  assert.deepEqual(await rows('filter[status]=terminated'), [['terminated', false]])
})

test('what is wrong with a query is told by its name', async () => {
  const scene = await sampleServer(purser)
  const client = vpsbgClient(purser, scene.customer.key)
  for (const [query, field, message] of [
    ['page=0', 'page', 'must be at least 1'],
    ['page=-1', 'page', 'must be at least 1'],
    ['page=x', 'page', 'must be an integer'],
    ['page=1.5', 'page', 'must be an integer'],
    ['page=1000001', 'page', 'must be at most 1000000'],
    ['per_page=0', 'per_page', 'must be at least 1'],
    ['per_page=51', 'per_page', 'must be at most 50'],
    ['sort[created_at]=up', 'sort[created_at]', 'must be one of: asc, desc'],
    ['filter[search]=a%00b', 'filter[search]', 'contains a null byte'],
    [
      'filter[status]=broken',
      'filter[status]',
      'must be one or several of: active, suspended, terminated, processing',
    ],
  ] as const) {
    assertFieldError(await client.get(`/servers?${query}`), LIST, {
      field,
      message: `The ${field.replaceAll('_', ' ')} field ${message}.`,
    })
  }
})

test("another account's server is none", async () => {
  const scene = await sampleServer(purser)
  const client = vpsbgClient(purser, (await newCustomer(purser)).key)
  assert.deepEqual(((await client.get('/servers')).json as { data: unknown[] }).data, [])
  const missing = { status: 404, code: 'not_found', message: 'No such object.' }
  for (const name of [scene.id, scene.publicId, 2_000_000_000, 'x', '0', '1%00', 'vps_x']) {
    assertError(await client.get(`/servers/${name}`), ONE, missing)
    assertError(await client.get(`/servers/${name}/status`), STATUS, missing)
  }
})
