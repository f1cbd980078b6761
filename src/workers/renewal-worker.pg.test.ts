import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { openRenewalShop, type RenewalShop } from '../../test/kit/renewals.ts'
import type { UserActor } from '../core/actor.ts'
import { renewServers } from '../core/billing/renew-servers.ts'
import { updatePurchase } from '../core/billing/update-purchase.ts'
import { execute } from '../core/execute.ts'
import { grantCredit } from '../core/ledger/grant-credit.ts'
import { setSimulatedFault } from '../drivers/simulated-faults.ts'

let shop: RenewalShop
before(async () => {
  shop = await openRenewalShop()
  shop.travel(new Date('2026-03-10T09:00:00Z'))
})
after(() => shop.close())

const UNIT = 1_000_000n

async function balanceOf({ accountId }: UserActor): Promise<bigint> {
  const [row] = await shop.query<{ balance: bigint }>(
    `select balance from ledger_account where account_id = $1 and kind = 'wallet'`,
    [accountId],
  )
  return row?.balance ?? -1n
}

async function subscription(id: bigint) {
  const [row] = await shop.query<{
    expires_at: Date
    next_invoice_at: Date | null
    suspend_at: Date | null
  }>('select expires_at, next_invoice_at, suspend_at from subscription where id = $1', [id])
  assert.ok(row)
  return row
}

async function serverState(id: bigint): Promise<string> {
  const [row] = await shop.query<{ state: string }>('select state from server where id = $1', [id])
  return row?.state ?? 'missing'
}

/** Everything of the books that may differ between two runs, as text. */
async function books(): Promise<string> {
  const rows = await shop.query(`
    select (select count(*) from transfer) as transfers, (select count(*) from event) as events,
      (select count(*) from purchase) as purchases, (select count(*) from hold) as holds,
      (select last_number from invoice_series) as numbers,
      (select count(*) from subscription_period) as periods,
      (select sum(balance) from ledger_account where kind = 'wallet') as balances`)
  return JSON.stringify(rows, (_, value) => (typeof value === 'bigint' ? String(value) : value))
}

test('a week ahead it is made out, on the day it is paid, once', async () => {
  const anna = await shop.customer({ credit: '20' })
  const server = await shop.rent(anna, { addons: ['cpanel'] })
  const [one, two] = [await shop.process(), await shop.process()]
  const due = await subscription(server.subscriptionId)
  assert.equal(due.next_invoice_at?.toISOString(), '2026-04-02T21:00:00.000Z')
  // The clock goes on while the scheduler works.
  shop.travel(new Date('2026-04-02T20:50:00Z'))
  await one.runDry()
  assert.equal((await shop.purchases(anna)).length, 0)
  shop.travel(new Date('2026-04-02T21:00:01Z'))
  await one.runDry()
  const [made] = await shop.purchases(anna)
  assert.equal(made?.state, 'awaiting_payment')
  assert.equal(made?.autoPay, true)
  assert.equal(await balanceOf(anna), 20n * UNIT)
  const once = await books()
  await one.runDry()
  await two.runDry()
  assert.equal(await books(), once)

  shop.travel(new Date('2026-04-09T21:00:01Z'))
  await Promise.all([one.runDry(), two.runDry(), one.runDry()])
  const [paid, ...others] = await shop.purchases(anna)
  assert.equal(others.length, 0)
  assert.equal(paid?.state, 'paid')
  assert.equal(paid?.invoice?.original, true)
  assert.equal(await balanceOf(anna), 12_500_000n)
  const { expires_at, next_invoice_at, suspend_at } = await subscription(server.subscriptionId)
  assert.equal(expires_at.toISOString(), '2026-05-09T21:00:00.000Z')
  assert.equal(next_invoice_at?.toISOString(), '2026-05-02T21:00:00.000Z')
  assert.equal(suspend_at?.toISOString(), '2026-05-12T21:00:00.000Z')
  assert.equal(await shop.events(server.subscriptionId, 'subscription.renewed'), 1)
  assert.equal(await shop.events(server.addonIds[0]!, 'subscription.renewed'), 1)
  assert.equal(await shop.events(paid?.id ?? 0n, 'purchase.paid'), 1)
  const [world] = await shop.query('select paid_until from simulated_server where ref = $1', [
    server.ref,
  ])
  assert.deepEqual(world, { paid_until: expires_at })
  const settled = await books()
  await Promise.all([one.runDry(), two.runDry()])
  assert.equal(await books(), settled)
  await shop.verify()
})

test('one that is paid by hand is only made out, and suspended when nobody pays', async () => {
  const bert = await shop.customer({ credit: '100' })
  const server = await shop.rent(bert, { autoPay: false })
  const process = await shop.process()
  shop.travel(32)
  await process.runDry()
  const [purchase] = await shop.purchases(bert)
  assert.equal(purchase?.state, 'awaiting_payment')
  assert.equal(await serverState(server.serverId), 'active')
  shop.travel(4)
  await process.runDry()
  assert.equal(await serverState(server.serverId), 'suspended')
  assert.equal(await balanceOf(bert), 100n * UNIT)
  // Switched on, it is paid at once, and the server runs again.
  await shop.run(bert, updatePurchase, { purchaseId: purchase!.id, autoPay: true })
  await process.runDry()
  assert.equal(await balanceOf(bert), 95n * UNIT)
  assert.equal(await serverState(server.serverId), 'active')
  assert.equal((await shop.purchase(bert, purchase!.id)).state, 'paid')
  await shop.verify()
})

test('too little money: tried once a day for a week, suspended, paid when there is money', async () => {
  const carl = await shop.customer({ credit: '4.99' })
  const server = await shop.rent(carl)
  const process = await shop.process()
  const { expires_at } = await subscription(server.subscriptionId)
  shop.travel(new Date(expires_at.getTime() + 1000))
  await process.runDry()
  const [purchase] = await shop.purchases(carl)
  const purchaseId = purchase!.id
  const failures = () => shop.events(purchaseId, 'purchase.payment_failed')
  assert.equal(await failures(), 1)
  for (let day = 2; day <= 10; day++) {
    shop.travel(1)
    await process.runDry()
    await process.runDry()
    assert.equal(await failures(), Math.min(day, 7))
    assert.equal(await serverState(server.serverId), day > 3 ? 'suspended' : 'active')
  }
  assert.equal(await balanceOf(carl), 4_990_000n)
  const credit = { accountId: String(carl.accountId), amountMicros: '10000', reason: 'a cent' }
  const asSystem = { actor: { kind: 'system' }, idempotencyKey: null } as const
  await execute(shop.funnel, grantCredit, { ...asSystem, input: credit })
  await shop.run(carl, updatePurchase, { purchaseId, autoPay: false })
  await shop.run(carl, updatePurchase, { purchaseId, autoPay: true })
  await process.runDry()
  assert.equal((await shop.purchase(carl, purchaseId)).state, 'paid')
  assert.equal(await balanceOf(carl), 0n)
  assert.equal(await serverState(server.serverId), 'active')
  await shop.verify()
})

test('what cannot be made out is said, and does not keep the others', async () => {
  const dora = await shop.customer({ credit: '100' })
  const servers = [await shop.rent(dora), await shop.rent(dora)]
  await shop.query(`update server set state = 'suspended', suspended_for = 'abuse' where id = $1`, [
    servers[0]!.serverId,
  ])
  shop.travel(25)
  const process = await shop.process()
  await process.runDry()
  assert.deepEqual(process.warnings, ['renewals could not be made out: again in a day'])
  assert.equal((await shop.purchases(dora)).length, 1)
})

test('what fails by a fault of ours keeps nobody from being renewed or suspended', async () => {
  const [fred, gina, hugo] = [
    await shop.customer({ credit: '100' }),
    await shop.customer({ credit: '100' }),
    await shop.customer(),
  ]
  const unpaid = await shop.rent(hugo)
  await shop.run(hugo, renewServers, {
    serverIds: [unpaid.serverId],
    billingCycle: null,
    promoCode: null,
    addonIds: null,
    existing: 'keep',
  })
  const odd = await shop.rent(fred)
  await shop.query(`update account set time_zone = 'Mars/Olympus' where id = $1`, [fred.accountId])
  const broken = await shop.rent(gina, { addons: ['backups'] })
  await shop.query(
    `insert into purchase_line (purchase_id, account_id, position, subscription_id, kind, label,
       period_from, period_to, billing_cycle, list_net, list_gross, net, gross)
     select (select max(id) from purchase), u.account_id, 1, u.id, u.kind, 'planted', u.expires_at,
       u.expires_at + interval '1 month', 1, 0, 0, 0, 0
     from subscription u where u.id = $1`,
    [broken.addonIds[0]],
  )
  const whole = await shop.rent(gina)
  shop.travel(40)
  const process = await shop.process()
  await process.runDry()
  const said = process.warnings.filter((text) => text.startsWith('a renewal could not'))
  assert.equal(said.length, 2)
  const made = (await shop.purchases(gina)).flatMap(({ lines }) => lines)
  assert.deepEqual(
    made.map((line) => line.subscriptionId),
    [whole.subscriptionId],
  )
  assert.equal(await serverState(unpaid.serverId), 'suspended')
  const { next_invoice_at } = await subscription(odd.subscriptionId)
  assert.ok(next_invoice_at !== null && next_invoice_at > shop.clock.now())
  await shop.query(`update account set time_zone = 'UTC' where id = $1`, [fred.accountId])
  await shop.query(`delete from purchase_line where label = 'planted'`)
  shop.travel(1)
  await process.runDry()
  assert.equal((await shop.purchases(fred))[0]?.state, 'paid')
  assert.equal((await shop.purchases(gina)).length, 2)
  await shop.verify()
})

test('what costs nothing, split off an order paid by hand, is paid by itself', async () => {
  const ines = await shop.customer({ credit: '100' })
  const servers = [await shop.rent(ines, { plan: 'gift', autoPay: false })]
  servers.push(await shop.rent(ines, { autoPay: false }))
  const { purchaseId } = await shop.run(ines, renewServers, {
    serverIds: servers.map(({ serverId }) => serverId),
    billingCycle: null,
    promoCode: null,
    addonIds: null,
    existing: 'keep',
  })
  await setSimulatedFault(shop.database.pool, { operation: 'extend', fault: 'refuse', times: 1 })
  await shop.query('update purchase set pay_at = $2 where id = $1', [purchaseId, shop.clock.now()])
  const process = await shop.process()
  await process.runDry()
  const [split, paid] = await shop.purchases(ines)
  assert.deepEqual([paid?.state, paid?.grossMicros], ['paid', 5n * UNIT])
  assert.deepEqual([split?.state, split?.grossMicros], ['awaiting_payment', 0n])
  shop.travel(1)
  await process.runDry()
  assert.equal((await shop.purchase(ines, split!.id)).state, 'paid')
  assert.equal(await balanceOf(ines), 95n * UNIT)
})

test('many at once, by several processes: each once', async () => {
  const erik = await shop.customer({ credit: '1000' })
  const servers = await Promise.all(
    Array.from({ length: 120 }, (_, at) => shop.rent(erik, at % 3 ? {} : { addons: ['backups'] })),
  )
  shop.travel(40)
  const processes = await Promise.all([shop.process(), shop.process(), shop.process()])
  await Promise.all(processes.map((process) => process.runDry()))
  const states = await shop.query(
    'select state, count(*)::integer as count from purchase where account_id = $1 group by state',
    [erik.accountId],
  )
  assert.deepEqual(states, [{ state: 'paid', count: servers.length }])
  assert.equal(await balanceOf(erik), 1000n * UNIT - 120n * 5n * UNIT - 40n * UNIT)
  await shop.verify()
})
