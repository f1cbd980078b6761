import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { type BillingScene, newBillingScene } from '../../../test/kit/billing-scene.ts'
import { publicIdOf } from '../../lib/ids.ts'
import type { ServerStatus } from './compute-driver.ts'
import type { Server } from './server.ts'
import { type ServerFilter, ServerReader } from './server-reader.ts'

const UNIT = 1_000_000n
const ALL = { offset: 0, limit: 100 }
const NOT_FOUND = { name: 'Refusal', code: 'not_found' }
let scene: BillingScene
let accountId: bigint
let servers: ServerReader

before(async () => {
  scene = await newBillingScene()
  accountId = scene.carl.accountId
  servers = new ServerReader({ db: scene.books.database.db, compute: new Map() })
  await scene.books.tamper(`
    insert into server_address (server_id, version, address, gateway, prefix, is_main, ptr)
    values (1, 6, '2001:db8::10', 'fe80::1', 64, false, null),
      (1, 4, '192.0.2.10', '192.0.2.1', 24, true, 'web-1.example'),
      (2, 4, '192.0.2.20', '192.0.2.1', 24, true, null),
      (3, 4, '198.51.100.10', '198.51.100.1', 24, true, null);
    insert into plan_price values (1, 'EUR', 1, 5000000), (1, 'USD', 1, 99000000);
    update server set state = 'suspended', suspended_for = 'unpaid' where id = 4;
    update server set state = 'terminated' where id = 5;
    update server set hostname = '100%_\\web' where id = 3`)
})

after(async () => {
  await scene?.books.close()
})

async function idsOf(filter: Omit<ServerFilter, 'accountId'>): Promise<bigint[]> {
  const { servers: found, total } = await servers.list({ accountId, window: ALL, ...filter })
  assert.equal(total, found.length)
  return found.map((server) => server.id)
}

describe('one server', () => {
  it('is read by its number and by its public id', async () => {
    const server = await servers.one(accountId, '1')
    assert.deepEqual(await servers.one(accountId, publicIdOf('vps', server.publicId)), server)
    assert.deepEqual(
      [server.hostname, server.state, server.plan.name, server.image.family],
      ['web-1', 'active', 'Small', 'ubuntu'],
    )
    assert.deepEqual(
      server.addresses.map(({ id: _id, ...address }) => address),
      [
        {
          version: 4,
          address: '192.0.2.10',
          gateway: '192.0.2.1',
          prefix: 24,
          main: true,
          ddosProtected: false,
          ptr: 'web-1.example',
        },
        {
          version: 6,
          address: '2001:db8::10',
          gateway: 'fe80::1',
          prefix: 64,
          main: false,
          ddosProtected: false,
          ptr: null,
        },
      ],
    )
    assert.deepEqual(
      server.addons.map(({ subscriptionId, key, quantity }) => [subscriptionId, key, quantity]),
      [[6n, 'cpanel-pro-30', 1]],
    )
    assert.equal(server.subscription.id, 1n)
    assert.equal(server.subscription.expiresAt.toISOString(), '2026-03-01T00:00:00.000Z')
    assert.equal(server.subscription.currency, 'EUR')
  })

  it("costs what its plan and its addons cost in the account's currency, with its tax", async () => {
    const { books } = scene
    const priceOf = async (name: string) => {
      const { plan, subscription } = await servers.one(accountId, name)
      return [plan.price, subscription.renewal]
    }
    const price = (net: bigint, gross: bigint) => ({ netMicros: net, grossMicros: gross })
    const five = price(5n * UNIT, 5n * UNIT)
    assert.deepEqual(await priceOf('2'), [five, five])
    // The addon has no price yet.
    assert.deepEqual(await priceOf('1'), [five, null])
    await books.tamper(`insert into addon_price values (1, 'EUR', 1, 1230000);
      insert into tax_profile (name, rate_ppm, prices_include_tax) values ('VAT', 250000, false);
      update account set tax_profile_id = 2 where id = ${accountId}`)
    const taxed = price(5n * UNIT, 6_250_000n)
    assert.deepEqual(await priceOf('1'), [taxed, price(6_230_000n, 7_790_000n)])
    await books.tamper('update subscription set billing_cycle = 3 where id = 2')
    assert.deepEqual(await priceOf('2'), [null, null])
    await books.tamper('update subscription set billing_cycle = 1 where id = 2')
  })

  it("is not found by what is no name, nor by another account's customer", async () => {
    for (const name of ['', '0', '99', 'x', 'vps_', 'web-1', '1 or 1=1', '9'.repeat(30)]) {
      await assert.rejects(servers.one(accountId, name), NOT_FOUND)
    }
    const stranger = await scene.books.customer('EUR')
    const { publicId } = await servers.one(accountId, '1')
    for (const name of ['1', publicIdOf('vps', publicId)]) {
      await assert.rejects(servers.one(stranger.accountId, name), NOT_FOUND)
    }
    const all = { accountId: stranger.accountId, window: ALL }
    assert.deepEqual(await servers.list(all), { servers: [], total: 0 })
  })
})

describe('a list of servers', () => {
  it('is of the states asked for, newest first', async () => {
    assert.deepEqual(await idsOf({}), [5n, 4n, 3n, 2n, 1n])
    assert.deepEqual(await idsOf({ states: ['active', 'suspended'] }), [4n, 3n, 2n, 1n])
    assert.deepEqual(await idsOf({ states: [] }), [])
  })

  it('is filtered by whole names and addresses, however they are written', async () => {
    assert.deepEqual(await idsOf({ hostname: 'web-1' }), [1n])
    assert.deepEqual(await idsOf({ hostname: 'web' }), [])
    assert.deepEqual(await idsOf({ address: '192.0.2.10' }), [1n])
    assert.deepEqual(await idsOf({ address: '2001:0DB8:0::0010' }), [1n])
    assert.deepEqual(await idsOf({ mainAddress: '2001:db8::10' }), [])
    assert.deepEqual(await idsOf({ mainAddress: '192.0.2.20' }), [2n])
    for (const address of ['', 'x', '192.0.2', '192.0.2.0/24', "' or true", '1\0', '%']) {
      assert.deepEqual(await idsOf({ address }), [])
    }
  })

  it('is searched by parts, of which none is a pattern', async () => {
    assert.deepEqual(await idsOf({ search: 'WEB' }), [5n, 4n, 3n, 2n, 1n])
    assert.deepEqual(await idsOf({ search: '192.0.2.' }), [2n, 1n])
    assert.deepEqual(await idsOf({ search: '.10' }), [3n, 1n])
    assert.deepEqual(await idsOf({ search: '%_\\' }), [3n])
    assert.deepEqual(await idsOf({ search: '%' }), [3n])
    assert.deepEqual(await idsOf({ search: '_eb' }), [])
    assert.deepEqual(await idsOf({ search: '\0' }), [])
  })

  it('is sorted by when they were made or expire', async () => {
    const sorted = async (by: 'created_at' | 'expiry_at', descending: boolean) => {
      const list = await servers.list({ accountId, sort: { by, descending }, window: ALL })
      return list.servers.map((server) => server.id)
    }
    assert.deepEqual(await sorted('expiry_at', false), [2n, 3n, 1n, 4n, 5n])
    assert.deepEqual(await sorted('expiry_at', true), [5n, 4n, 1n, 3n, 2n])
    assert.deepEqual(await sorted('created_at', false), [1n, 2n, 3n, 4n, 5n])
  })

  it('goes on by page and by the last one seen, and a page has its bound', async () => {
    const page = await servers.list({ accountId, window: { offset: 1, limit: 2 } })
    assert.deepEqual([page.servers.map((server) => server.id), page.total], [[4n, 3n], 5])
    const below = await servers.list({ accountId, window: { before: 3n, limit: 1_000_000 } })
    assert.deepEqual([below.servers.map((server) => server.id), below.total], [[2n, 1n], null])
    const none = await servers.list({ accountId, window: { offset: 100, limit: 5 } })
    assert.deepEqual([none.servers, none.total], [[], 5])
  })
})

describe('how servers are', () => {
  const STATUS: ServerStatus = {
    power: 'running',
    uptimeSeconds: 1,
    cpuPercent: 2,
    memoryUsedMb: 3,
    diskUsedGb: 4,
    trafficInMb: 5,
    trafficOutMb: 6,
  }
  const unused = () => Promise.reject(new Error('not asked for'))

  async function statusesBy(
    status: (refs: readonly string[]) => Promise<ReadonlyMap<string, ServerStatus>>,
  ): Promise<ReadonlyMap<bigint, ServerStatus | null>> {
    const driver = { extend: unused, setSuspended: unused, status }
    const { db } = scene.books.database
    const reader = new ServerReader({ db, compute: new Map([['simulated', driver]]) })
    const all: Server[] = (await reader.list({ accountId, window: ALL })).servers
    return await reader.statusOf(all.filter(({ id }) => id <= 2n))
  }

  it('is asked of their provider at once, and null where it does not know one', async () => {
    const asked: string[][] = []
    const found = await statusesBy(async (refs) => {
      asked.push([...refs].toSorted())
      return new Map([['ref-1', STATUS]])
    })
    assert.deepEqual(asked, [['ref-1', 'ref-2']])
    assert.deepEqual([...found].toSorted(), [
      [1n, STATUS],
      [2n, null],
    ])
  })

  it('is not known where the provider fails, or is not there', async () => {
    const failed = await statusesBy(() => Promise.reject(new Error('away')))
    assert.deepEqual([...failed.values()], [null, null])
    const none = await servers.statusOf((await servers.list({ accountId, window: ALL })).servers)
    assert.deepEqual([...new Set(none.values())], [null])
  })
})
