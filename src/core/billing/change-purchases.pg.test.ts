import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { openRenewalShop, type RenewalShop } from '../../../test/kit/renewals.ts'
import type { RentedServer } from '../../../test/kit/rent-server.ts'
import type { UserActor } from '../actor.ts'
import { execute } from '../execute.ts'
import { cancelPurchase } from './cancel-purchase.ts'
import { changeLineCycle } from './change-line-cycle.ts'
import { issueDueRenewals } from './issue-due-renewals.ts'
import { type RenewInput, renewServers } from './renew-servers.ts'
import { suspendOverdue } from './suspend-overdue.ts'
import { type UpdatePurchaseInput, updatePurchase } from './update-purchase.ts'

let shop: RenewalShop
before(async () => {
  shop = await openRenewalShop()
  shop.travel(new Date('2026-03-10T09:00:00Z'))
})
after(() => shop.close())

const UNIT = 1_000_000n

async function renew(
  customer: UserActor,
  servers: readonly RentedServer[],
  o: Partial<RenewInput> = {},
): Promise<bigint> {
  const serverIds = servers.map((server) => server.serverId)
  const asked = { billingCycle: null, promoCode: null, addonIds: null, existing: 'keep' } as const
  const { purchaseId } = await shop.run(customer, renewServers, { serverIds, ...asked, ...o })
  return BigInt(purchaseId)
}

async function payAt(purchaseId: bigint): Promise<string | null> {
  const [row] = await shop.query<{ at: Date | null }>(
    'select pay_at as at from purchase where id = $1',
    [purchaseId],
  )
  return row?.at?.toISOString() ?? null
}

const asSystem = { actor: { kind: 'system' }, idempotencyKey: null } as const
const issueDue = async (limit = 500) =>
  (await execute(shop.funnel, issueDueRenewals, { ...asSystem, input: { limit } })).output
const suspendDue = async (limit = 500) =>
  (await execute(shop.funnel, suspendOverdue, { ...asSystem, input: { limit } })).output

test('how a purchase is paid: by hand or by itself, from the wallet or with the card', async () => {
  const anna = await shop.customer()
  const byHand = await shop.rent(anna, { autoPay: false })
  const purchaseId = await renew(anna, [byHand])
  assert.equal(await payAt(purchaseId), null)
  const update = (o: Omit<UpdatePurchaseInput, 'purchaseId'>) =>
    shop.run(anna, updatePurchase, { purchaseId, ...o })
  await update({ autoPay: true })
  assert.equal(await payAt(purchaseId), '2026-04-09T21:00:00.000Z')
  await update({ paymentMethod: 'card' })
  const purchase = await shop.purchase(anna, purchaseId)
  assert.equal(purchase.autoPay, true)
  assert.equal(purchase.paymentMethod, 'card')
  assert.equal(await payAt(purchaseId), '2026-04-09T21:00:00.000Z')
  assert.equal(await shop.events(purchaseId, 'purchase.changed'), 2)
  await update({ autoPay: false })
  assert.equal(await payAt(purchaseId), null)
  // What costs nothing needs nobody's leave.
  await update({ promoCode: 'ALL' })
  assert.equal(await payAt(purchaseId), '2026-04-09T21:00:00.000Z')
  await update({ promoCode: null, paymentMethod: 'balance' })
  assert.equal(await payAt(purchaseId), null)
  assert.equal(await shop.events(purchaseId, 'purchase.changed'), 5)
  await update({})
  assert.equal(await shop.events(purchaseId, 'purchase.changed'), 5)
  await shop.verify()
})

test('attempts begin anew where paying by itself is switched on again', async () => {
  const anna = await shop.customer()
  const purchaseId = await renew(anna, [await shop.rent(anna)])
  await shop.query('update purchase set pay_attempts = 7, pay_at = null where id = $1', [
    purchaseId,
  ])
  await shop.run(anna, updatePurchase, { purchaseId, autoPay: false })
  await shop.run(anna, updatePurchase, { purchaseId, autoPay: true })
  const [row] = await shop.query<{ pay_attempts: number }>(
    'select pay_attempts from purchase where id = $1',
    [purchaseId],
  )
  assert.equal(row?.pay_attempts, 0)
  assert.notEqual(await payAt(purchaseId), null)
})

test('a promo code put to a purchase and taken away again', async () => {
  const anna = await shop.customer()
  const server = await shop.rent(anna, { addons: ['backups'] })
  const purchaseId = await renew(anna, [server])
  const update = (promoCode: string | null) =>
    shop.run(anna, updatePurchase, { purchaseId, promoCode })
  await update('HALF')
  const cheaper = await shop.purchase(anna, purchaseId)
  assert.equal(cheaper.grossMicros, 3_500_000n)
  assert.equal(cheaper.promo?.discountGrossMicros, 2_500_000n)
  assert.equal(cheaper.invoice?.grossMicros, 3_500_000n)
  await assert.rejects(update('OLD'), { code: 'invalid_input' })
  await assert.rejects(update('FOUR'), { code: 'invalid_input' })
  await update(null)
  const full = await shop.purchase(anna, purchaseId)
  assert.equal(full.grossMicros, 6n * UNIT)
  assert.equal(full.promo, null)
  const bert = await shop.customer()
  const theirs = shop.run(bert, updatePurchase, { purchaseId, promoCode: 'HALF' })
  await assert.rejects(theirs, { code: 'not_found' })
  await shop.run(anna, cancelPurchase, { purchaseId })
  await assert.rejects(update('HALF'), { code: 'invalid_state' })
  await shop.verify()
})

test("a line's cycle: of the server from now on, its addons with it, no other line", async () => {
  const anna = await shop.customer()
  const one = await shop.rent(anna, { addons: ['cpanel'] })
  const two = await shop.rent(anna)
  const purchaseId = await renew(anna, [one, two])
  const change = (subscriptionId: bigint, o: object = {}) =>
    shop.run(anna, changeLineCycle, {
      purchaseId,
      kind: 'server',
      subscriptionId,
      billingCycle: 3,
      ...o,
    })
  await change(one.subscriptionId)
  const { lines, grossMicros, invoice } = await shop.purchase(anna, purchaseId)
  assert.deepEqual(
    lines.map((line) => [line.billingCycle, line.grossMicros, line.periodTo.toISOString()]),
    [
      [3, 14n * UNIT, '2026-07-09T21:00:00.000Z'],
      [3, 7_500_000n, '2026-07-09T21:00:00.000Z'],
      [1, 5n * UNIT, '2026-05-09T21:00:00.000Z'],
    ],
  )
  assert.equal(grossMicros, 26_500_000n)
  assert.equal(invoice?.grossMicros, grossMicros)
  const cycles = await shop.query(
    'select id, billing_cycle from subscription where account_id = $1 order by id',
    [anna.accountId],
  )
  assert.deepEqual(cycles, [
    { id: one.subscriptionId, billing_cycle: 3 },
    { id: one.addonIds[0], billing_cycle: 3 },
    { id: two.subscriptionId, billing_cycle: 1 },
  ])
  assert.equal(await shop.events(one.subscriptionId, 'subscription.cycle_changed'), 1)
  await change(one.subscriptionId)
  assert.equal(await shop.events(one.subscriptionId, 'subscription.cycle_changed'), 1)
  assert.equal(await shop.events(purchaseId, 'purchase.changed'), 1)

  const three = await shop.rent(anna)
  const refusals = [
    [() => change(three.subscriptionId), 'not_found'],
    [() => change(one.addonIds[0]!), 'not_found'],
    [() => change(one.addonIds[0]!, { kind: 'server-addon' }), 'invalid_state'],
    [() => change(two.subscriptionId, { billingCycle: 6 }), 'not_sold'],
    [() => change(one.subscriptionId, { billingCycle: 12 }), 'not_sold'],
    [() => change(two.subscriptionId, { promoCode: 'YEAR' }), 'invalid_input'],
    [() => change(two.subscriptionId, { purchaseId: 1n }), 'not_found'],
  ] as const
  for (const [asked, code] of refusals) await assert.rejects(asked(), { code })
  await change(two.subscriptionId, { billingCycle: 12, promoCode: 'year' })
  const discounted = await shop.purchase(anna, purchaseId)
  assert.deepEqual(
    discounted.lines.map((line) => [line.grossMicros, line.promo?.code ?? null]),
    [
      [14n * UNIT, null],
      [7_500_000n, null],
      [45n * UNIT, 'YEAR'],
    ],
  )
  await shop.verify()
})

test('a renewal that cannot be made out is tried again the next day', async () => {
  const anna = await shop.customer()
  const server = await shop.rent(anna)
  const other = await shop.rent(anna)
  await shop.query(`update server set state = 'suspended', suspended_for = 'abuse' where id = $1`, [
    server.serverId,
  ])
  shop.travel(new Date('2026-04-03T00:00:00Z'))
  const issued = await issueDue()
  assert.deepEqual(
    issued.refused.filter((one) => BigInt(one.subscriptionId) === server.subscriptionId),
    [{ subscriptionId: String(server.subscriptionId), code: 'invalid_state' }],
  )
  assert.deepEqual(
    (await shop.purchases(anna)).map((purchase) => purchase.lines[0]?.subscriptionId),
    [other.subscriptionId],
  )
  assert.equal((await issueDue()).count, 0)
  await shop.query(`update server set state = 'active', suspended_for = null where id = $1`, [
    server.serverId,
  ])
  shop.travel(new Date('2026-04-04T00:10:00Z'))
  await issueDue()
  assert.equal((await shop.purchases(anna)).length, 2)
  await shop.verify()
})

test('an addon that a renewal leaves out ends with its period', async () => {
  const anna = await shop.customer()
  const from = shop.clock.now()
  const server = await shop.rent(anna, { addons: ['cpanel', 'backups'], from })
  const [cpanel, backups] = server.addonIds
  const purchaseId = await renew(anna, [server], { addonIds: [backups!] })
  await payAsIs(purchaseId)
  await issueDue()
  const addons = () =>
    shop.query(
      `select id, state from subscription where server_id = $1 and kind = 'server-addon'
       order by id`,
      [server.serverId],
    )
  assert.deepEqual(await addons(), [
    { id: cpanel, state: 'active' },
    { id: backups, state: 'active' },
  ])
  shop.travel(new Date('2026-06-01T00:00:00Z'))
  await issueDue()
  assert.deepEqual(await addons(), [
    { id: cpanel, state: 'ended' },
    { id: backups, state: 'active' },
  ])
  assert.equal(await shop.events(cpanel!, 'subscription.ended'), 1)
  const [latest] = await shop.purchases(anna)
  assert.notEqual(latest?.id, purchaseId)
  assert.deepEqual(
    latest?.lines.map((line) => line.subscriptionId),
    [server.subscriptionId, backups],
  )
})

test('what stays unpaid is suspended once; what is being paid is looked at again', async () => {
  shop.travel(new Date('2027-01-10T09:00:00Z'))
  while ((await suspendDue()).count > 0);
  const anna = await shop.customer()
  const [late, paying] = [await shop.rent(anna), await shop.rent(anna, { plan: 'gift' })]
  await renew(anna, [late])
  const processing = await renew(anna, [paying])
  const due = await shop.query('select suspend_at from subscription where id = $1', [
    late.subscriptionId,
  ])
  assert.deepEqual(due, [{ suspend_at: new Date('2027-02-12T22:00:00Z') }])
  // The clock goes on while the scheduler works.
  shop.travel(new Date('2027-02-12T21:50:00Z'))
  assert.equal((await suspendDue()).count, 0)
  await shop.query(
    `update purchase set state = 'processing', pay_at = null, look_at = now() where id = $1`,
    [processing],
  )
  shop.travel(new Date('2027-02-12T22:00:01Z'))
  assert.equal((await suspendDue()).count, 2)
  assert.equal((await suspendDue()).count, 0)
  const states = () =>
    shop.query('select state, suspended_for from server where account_id = $1 order by id', [
      anna.accountId,
    ])
  assert.deepEqual(await states(), [
    { state: 'suspended', suspended_for: 'unpaid' },
    { state: 'active', suspended_for: null },
  ])
  assert.equal(await shop.events(late.serverId, 'server.suspended'), 1)
  await shop.query(`update purchase set state = 'awaiting_payment', look_at = null where id = $1`, [
    processing,
  ])
  shop.travel(new Date('2027-02-12T23:10:00Z'))
  assert.equal((await suspendDue()).count, 1)
  assert.equal((await states())[1]?.['state' as never], 'suspended')
})

/** As settling a payment leaves the subscriptions; what it does to money is not of interest. */
async function payAsIs(purchaseId: bigint): Promise<void> {
  await shop.query(
    `with paid as (
       update purchase set state = 'paid', paid_at = now(), pay_at = null, net = 0, gross = 0
       where id = $1 returning id
     ), moved as (
       insert into subscription_period (subscription_id, period_from, period_to, billing_cycle,
         account_id, purchase_line_id, created_at)
       select subscription_id, period_from, period_to, billing_cycle, account_id, id, now()
       from purchase_line where purchase_id = $1
     )
     update subscription s set expires_at = l.period_to,
       next_invoice_at = case when s.kind = 'server' then l.period_to - interval '7 days' end
     from purchase_line l where l.purchase_id = $1 and s.id = l.subscription_id`,
    [purchaseId],
  )
}
