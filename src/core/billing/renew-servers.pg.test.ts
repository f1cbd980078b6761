import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { openRenewalShop, type RenewalShop } from '../../../test/kit/renewals.ts'
import { execute } from '../execute.ts'
import { cancelPurchase } from './cancel-purchase.ts'
import { issueDueRenewals } from './issue-due-renewals.ts'
import { quoteRenewal } from './quote-renewal.ts'
import { type RenewInput, renewServers } from './renew-servers.ts'

let shop: RenewalShop
before(async () => {
  shop = await openRenewalShop()
  // The anchor of everybody who rents today is the 10th.
  shop.travel(new Date('2026-03-10T09:00:00Z'))
})
after(() => shop.close())

const UNIT = 1_000_000n

function asking(serverIds: readonly bigint[], o: Partial<RenewInput> = {}): RenewInput {
  return {
    serverIds,
    billingCycle: null,
    promoCode: null,
    addonIds: null,
    existing: 'keep',
    ...o,
  }
}

async function issueDue(): Promise<{ count: number; refused: readonly unknown[] }> {
  const call = { actor: { kind: 'system' }, input: { limit: 500 }, idempotencyKey: null } as const
  return (await execute(shop.funnel, issueDueRenewals, call)).output
}

async function nextInvoiceAt(subscriptionId: bigint): Promise<string | null> {
  const [row] = await shop.query<{ at: Date | null }>(
    'select next_invoice_at as at from subscription where id = $1',
    [subscriptionId],
  )
  return row?.at?.toISOString() ?? null
}

test('one purchase with a line for each server and addon, taxed line by line', async () => {
  const anna = await shop.customer()
  const one = await shop.rent(anna, { addons: ['cpanel', 'backups'], address: '10.1.0.7' })
  const two = await shop.rent(anna, { plan: 'four', months: 3, autoPay: false })
  assert.equal(await nextInvoiceAt(one.subscriptionId), '2026-04-02T21:00:00.000Z')
  const made = await shop.run(anna, renewServers, asking([two.serverId, one.serverId]))
  assert.equal(made.outcome, 'created')

  const purchase = await shop.purchase(anna, made.purchaseId)
  const lines = purchase.lines.map((line) => [
    line.kind,
    line.label,
    line.sublabel,
    line.periodFrom.toISOString().slice(0, 16),
    line.periodTo.toISOString().slice(0, 16),
    line.billingCycle,
    line.netMicros,
    line.grossMicros,
  ])
  assert.deepEqual(lines, [
    ...[
      ['server', 'Renewal: Cloud 4 - web-2.example', null],
      ['server', 'Renewal: Cloud 2 - web-1.example [10.1.0.7]', '10.1.0.7'],
      ['server-addon', 'cPanel Pro 30', null],
      ['server-addon', 'Backups', null],
    ].map((names, at) => [
      ...names,
      ...(at === 0
        ? ['2026-06-09T21:00', '2026-09-09T21:00', 3, 23_340_000n, 28_010_000n]
        : ['2026-04-09T21:00', '2026-05-09T21:00', 1]),
      ...([[], [4_170_000n, 5_000_000n], [2_080_000n, 2_500_000n], [830_000n, 1_000_000n]][at] ??
        []),
    ]),
  ])
  assert.equal(purchase.netMicros, 23_340_000n + 4_170_000n + 2_080_000n + 830_000n)
  assert.equal(purchase.grossMicros, 36_510_000n)
  assert.equal(purchase.state, 'awaiting_payment')
  assert.equal(purchase.autoPay, false)
  assert.equal(purchase.dueAt.toISOString(), '2026-04-09T21:00:00.000Z')
  assert.equal(purchase.invoice?.grossMicros, purchase.grossMicros)
  assert.equal(purchase.invoice?.netMicros, purchase.netMicros)
  assert.equal(purchase.invoice?.number, purchase.id)
  assert.equal(purchase.invoice?.original, false)
  assert.equal(purchase.invoice?.issuedOn.toISOString(), '2026-03-09T22:00:00.000Z')
  assert.equal(await nextInvoiceAt(one.subscriptionId), null)
  assert.equal(await shop.events(made.purchaseId, 'purchase.created'), 1)
  await shop.verify()
})

test('tax on top of the price, and prices that cost nothing', async () => {
  const bert = await shop.customer({ pricesIncludeTax: false })
  const server = await shop.rent(bert, { plan: 'four', months: 3 })
  const gift = await shop.rent(bert, { plan: 'gift' })
  const { purchaseId } = await shop.run(bert, renewServers, asking([server.serverId]))
  const purchase = await shop.purchase(bert, purchaseId)
  assert.equal(purchase.netMicros, 28_010_000n)
  assert.equal(purchase.grossMicros, 33_610_000n)
  const free = await shop.run(bert, renewServers, asking([gift.serverId]))
  const given = await shop.purchase(bert, free.purchaseId)
  assert.equal(given.grossMicros, 0n)
  assert.equal(given.invoice, null)
  await shop.verify()
})

test('what is asked for again is there already; for other servers, it is in the way', async () => {
  const anna = await shop.customer()
  const [a, b, c] = [await shop.rent(anna), await shop.rent(anna), await shop.rent(anna)]
  const both = await shop.run(anna, renewServers, asking([a.serverId, b.serverId]))
  const again = await shop.run(anna, renewServers, asking([b.serverId, a.serverId, a.serverId]))
  assert.deepEqual(again, { purchaseId: both.purchaseId, outcome: 'existing' })
  for (const others of [
    [a.serverId],
    [a.serverId, b.serverId, c.serverId],
    [c.serverId, b.serverId],
  ]) {
    await assert.rejects(shop.run(anna, renewServers, asking(others)), {
      code: 'existing_invoice_blocking',
      detail: new RegExp(`^Order ${both.purchaseId} is open`),
    })
  }
  const alone = await shop.run(anna, renewServers, asking([c.serverId]))
  assert.equal(alone.outcome, 'created')
  assert.equal((await shop.purchases(anna)).length, 2)
})

test('two that ask at the same time get one purchase', async () => {
  const anna = await shop.customer()
  for (const existing of ['keep', 'change'] as const) {
    const server = await shop.rent(anna, { addons: ['backups'] })
    const answers = await Promise.allSettled(
      Array.from({ length: 8 }, () =>
        shop.run(anna, renewServers, asking([server.serverId], { existing })),
      ),
    )
    const made = answers.flatMap((answer) => (answer.status === 'fulfilled' ? [answer.value] : []))
    for (const answer of answers) {
      if (answer.status === 'rejected') assert.equal(answer.reason.code, 'resource_locked')
    }
    assert.equal(made.filter((each) => each.outcome === 'created').length, 1)
    assert.equal(new Set(made.map((each) => each.purchaseId)).size, 1)
  }
  assert.equal((await shop.purchases(anna)).length, 2)
  await shop.verify()
})

test('the scheduler and a customer who ask at the same time get one purchase', async () => {
  const anna = await shop.customer()
  const servers = await Promise.all(Array.from({ length: 6 }, () => shop.rent(anna)))
  await shop.query('update subscription set next_invoice_at = $1 where account_id = $2', [
    shop.clock.now(),
    anna.accountId,
  ])
  await Promise.all([
    issueDue(),
    ...servers.map(({ serverId }) => shop.run(anna, renewServers, asking([serverId]))),
    issueDue(),
  ])
  assert.equal((await shop.purchases(anna)).length, servers.length)
  await shop.verify()
})

test('promo codes: off plans alone, for the cycles and plans they are for', async () => {
  const anna = await shop.customer()
  const one = await shop.rent(anna, { addons: ['cpanel'] })
  const four = await shop.rent(anna, { plan: 'four', months: 3 })
  const invalid = async (serverIds: readonly bigint[], promoCode: string) => {
    const asked = shop.run(anna, renewServers, asking(serverIds, { promoCode }))
    await assert.rejects(asked, (error: { code: string; fields: { pointer: string }[] }) => {
      return error.code === 'invalid_input' && error.fields[0]?.pointer === '/promo_code'
    })
  }
  for (const code of ['NONE', 'OLD', 'YEAR', 'FOUR']) await invalid([one.serverId], code)
  const both = await shop.run(
    anna,
    renewServers,
    asking([one.serverId, four.serverId], { promoCode: 'four' }),
  )
  const purchase = await shop.purchase(anna, both.purchaseId)
  assert.deepEqual(
    purchase.lines.map((line) => [line.grossMicros, line.promo?.discountGrossMicros ?? null]),
    [
      [5n * UNIT, null],
      [2_500_000n, null],
      [22_410_000n, 5_600_000n],
    ],
  )
  assert.equal(purchase.promo?.code, 'FOUR')
  assert.equal(purchase.grossMicros, 29_910_000n)
  await shop.verify()
})

test('cycles: of this renewal only, sold, and not below the least', async () => {
  const anna = await shop.customer()
  const one = await shop.rent(anna, { addons: ['cpanel'] })
  const four = await shop.rent(anna, { plan: 'four', months: 3 })
  const old = await shop.rent(anna, { plan: 'four', months: 3 })
  const ask = (serverId: bigint, billingCycle: number | null) =>
    shop.run(anna, renewServers, asking([serverId], { billingCycle }))
  await assert.rejects(ask(one.serverId, 6), { code: 'not_sold' })
  // The plan is sold for a year, its addon is not.
  await assert.rejects(ask(one.serverId, 12), { code: 'not_sold' })
  await assert.rejects(ask(four.serverId, 1), {
    code: 'invalid_input',
    fields: [{ pointer: '/billing_cycle', detail: 'must be at least 3', code: 'invalid_value' }],
  })
  assert.equal((await shop.purchases(anna)).length, 0)
  const { purchaseId } = await ask(one.serverId, 3)
  const { lines } = await shop.purchase(anna, purchaseId)
  assert.deepEqual(
    lines.map((line) => [line.billingCycle, line.grossMicros]),
    [
      [3, 14n * UNIT],
      [3, 7_500_000n],
    ],
  )
  const [row] = await shop.query<{ billing_cycle: number }>(
    'select billing_cycle from subscription where id = $1',
    [one.subscriptionId],
  )
  assert.equal(row?.billing_cycle, 1)
  // One that was sold for a month before the least was raised goes on so.
  await shop.query('update subscription set billing_cycle = 1 where id = $1', [old.subscriptionId])
  assert.equal((await ask(old.serverId, null)).outcome, 'created')
})

test('what an open renewal is changed to, in place', async () => {
  const anna = await shop.customer()
  const server = await shop.rent(anna, { addons: ['cpanel', 'backups'] })
  const ask = (o: Partial<RenewInput>) =>
    shop.run(anna, renewServers, asking([server.serverId], { existing: 'change', ...o }))
  const { purchaseId } = await ask({})
  const before = await shop.purchase(anna, purchaseId)
  const grossOf = async () => (await shop.purchase(anna, purchaseId)).grossMicros
  const expect = async (o: Partial<RenewInput>, outcome: string, gross: bigint) => {
    assert.deepEqual(await ask(o), { purchaseId, outcome })
    assert.equal(await grossOf(), gross)
    await shop.verify()
  }
  await expect({}, 'existing', 8_500_000n)
  await expect({ billingCycle: 3 }, 'changed', 24_500_000n)
  await expect({ billingCycle: 3 }, 'existing', 24_500_000n)
  await expect({ promoCode: 'HALF' }, 'changed', 17_500_000n)
  // What is not named stays: the cycle, and the code.
  await expect({}, 'existing', 17_500_000n)
  await expect({ addonIds: [server.addonIds[1]!] }, 'changed', 10n * UNIT)
  await expect({ addonIds: [server.addonIds[1]!] }, 'existing', 10n * UNIT)
  await expect({ billingCycle: 12 }, 'changed', 37n * UNIT)
  await expect({ billingCycle: 1, addonIds: [] }, 'changed', 2_500_000n)
  await expect({ promoCode: 'ALL' }, 'changed', 0n)
  assert.equal((await shop.purchase(anna, purchaseId)).invoice, null)
  await expect({ promoCode: 'HALF', addonIds: server.addonIds }, 'changed', 6n * UNIT)
  const after = await shop.purchase(anna, purchaseId)
  assert.equal(after.invoice?.state, 'unpaid')
  assert.equal(after.createdAt.getTime(), before.createdAt.getTime())
  assert.equal(after.dueAt.getTime(), before.dueAt.getTime())
  assert.equal(await shop.events(purchaseId, 'purchase.changed'), 7)
  // Kept as it is, whatever is asked for.
  const kept = await shop.run(anna, renewServers, asking([server.serverId], { billingCycle: 3 }))
  assert.deepEqual(kept, { purchaseId, outcome: 'existing' })
  assert.equal(await grossOf(), 6n * UNIT)
  await assert.rejects(ask({ addonIds: [server.addonIds[0]!, 999_999n] }), {
    code: 'invalid_input',
    fields: [
      { pointer: '/addonIds/1', detail: 'is not an addon of this server', code: 'not_found' },
    ],
  })
  // A code goes once it is for nothing that is renewed.
  await ask({ billingCycle: 12, promoCode: 'YEAR', addonIds: [] })
  await expect({ billingCycle: 3 }, 'changed', 14n * UNIT)
  assert.equal((await shop.purchase(anna, purchaseId)).promo, null)
})

test('while it is being paid it cannot be changed, but is still the answer', async () => {
  const anna = await shop.customer()
  const server = await shop.rent(anna, { plan: 'gift' })
  const { purchaseId } = await shop.run(anna, renewServers, asking([server.serverId]))
  const setState = (state: string, lookAt: Date | null) =>
    shop.query('update purchase set state = $2, pay_at = null, look_at = $3 where id = $1', [
      purchaseId,
      state,
      lookAt,
    ])
  await setState('processing', shop.clock.now())
  const asked = (o: Partial<RenewInput>) =>
    shop.run(anna, renewServers, asking([server.serverId], { existing: 'change', ...o }))
  assert.deepEqual(await asked({}), { purchaseId, outcome: 'existing' })
  await assert.rejects(asked({ promoCode: 'HALF' }), { code: 'resource_locked' })
  const cancelling = { purchaseId: BigInt(purchaseId) }
  await assert.rejects(shop.run(anna, cancelPurchase, cancelling), { code: 'resource_locked' })
  await setState('awaiting_payment', null)
})

test("servers that are not the account's, that have ended, or are suspended", async () => {
  const [anna, bert] = [await shop.customer(), await shop.customer()]
  const [mine, theirs] = [await shop.rent(anna), await shop.rent(bert)]
  const ask = (...ids: bigint[]) => shop.run(anna, renewServers, asking(ids))
  await assert.rejects(ask(mine.serverId, theirs.serverId), { code: 'not_found' })
  await assert.rejects(ask(999_999n), { code: 'not_found' })
  await assert.rejects(ask(), { code: 'invalid_input' })
  const setState = (state: string, reason: string | null) =>
    shop.query('update server set state = $2, suspended_for = $3 where id = $1', [
      mine.serverId,
      state,
      reason,
    ])
  await setState('suspended', 'abuse')
  await assert.rejects(ask(mine.serverId), { code: 'invalid_state' })
  await setState('terminated', null)
  await assert.rejects(ask(mine.serverId), { code: 'invalid_state' })
  await setState('suspended', 'unpaid')
  assert.equal((await ask(mine.serverId)).outcome, 'created')
  const reading = { ...anna, scopes: ['read:all'] as const }
  await assert.rejects(shop.run(reading, renewServers, asking([mine.serverId])), {
    code: 'insufficient_scope',
  })
  const operator = { kind: 'operator', operatorId: 1n } as const
  const call = {
    actor: operator,
    input: asking([mine.serverId, theirs.serverId]),
    idempotencyKey: null,
  }
  await assert.rejects(execute(shop.funnel, renewServers, call), { code: 'invalid_input' })
})

test('a repeat under a key is the first answer', async () => {
  const anna = await shop.customer()
  const server = await shop.rent(anna)
  const ask = () => shop.run(anna, renewServers, asking([server.serverId]), 'key-1')
  const [first, second] = [await ask(), await ask()]
  assert.deepEqual(second, first)
  assert.equal(first.outcome, 'created')
})

test('a quote is what the renewal comes to, and changes nothing', async () => {
  const anna = await shop.customer()
  const one = await shop.rent(anna, { addons: ['cpanel'] })
  const four = await shop.rent(anna, { plan: 'four', months: 3 })
  const o = {
    accountId: anna.accountId,
    serverIds: [one.serverId, four.serverId],
    billingCycle: 3,
    promoCode: 'half',
    now: shop.clock.now(),
  }
  const quote = await quoteRenewal(shop.database.db, o)
  assert.deepEqual(quote, {
    currency: 'USD',
    taxRatePpm: 200_000,
    netMicros: 5_830_000n + 6_250_000n + 11_680_000n,
    grossMicros: 7_000_000n + 7_500_000n + 14_010_000n,
    discountNetMicros: 11_670_000n - 5_830_000n + (23_340_000n - 11_680_000n),
    discountGrossMicros: 7_000_000n + 14_000_000n,
    promo: { code: 'HALF', percentPpm: 500_000, minimumBillingCycle: 1 },
  })
  assert.equal((await shop.purchases(anna)).length, 0)
  const { serverIds, billingCycle, promoCode } = o
  const made = await shop.run(anna, renewServers, asking(serverIds, { billingCycle, promoCode }))
  const purchase = await shop.purchase(anna, made.purchaseId)
  assert.equal(purchase.grossMicros, quote.grossMicros)
  assert.equal(purchase.netMicros, quote.netMicros)
  const bert = await shop.customer()
  const foreign = { ...o, accountId: bert.accountId }
  await assert.rejects(quoteRenewal(shop.database.db, foreign), { code: 'not_found' })
})

test('a renewal that was deleted is made out again on the day it is due', async () => {
  const anna = await shop.customer()
  const server = await shop.rent(anna, { addons: ['backups'] })
  const { purchaseId } = await shop.run(anna, renewServers, asking([server.serverId]))
  const input = { purchaseId: BigInt(purchaseId) }
  const bert = await shop.customer()
  await assert.rejects(shop.run(bert, cancelPurchase, input), { code: 'not_found' })
  await shop.run(anna, cancelPurchase, input)
  await assert.rejects(shop.run(anna, cancelPurchase, input), { code: 'invalid_state' })
  const cancelled = await shop.purchase(anna, purchaseId)
  assert.equal(cancelled.state, 'cancelled')
  assert.equal(cancelled.invoice?.state, 'cancelled')
  assert.equal(cancelled.lines.length, 2)
  assert.equal(await shop.events(purchaseId, 'purchase.cancelled'), 1)
  assert.equal(await nextInvoiceAt(server.subscriptionId), '2026-04-09T21:00:00.000Z')
  await shop.verify()
  // The clock goes on while the scheduler works.
  shop.travel(new Date('2026-04-09T20:50:00Z'))
  await issueDue()
  assert.equal((await shop.purchases(anna)).length, 1)
  shop.travel(new Date('2026-04-09T21:00:01Z'))
  await issueDue()
  const [again, first] = await shop.purchases(anna)
  assert.equal(first?.id, input.purchaseId)
  assert.equal(again?.state, 'awaiting_payment')
  assert.equal(again?.lines.length, 2)
  assert.equal(again?.dueAt.toISOString(), '2026-04-09T21:00:00.000Z')
  await shop.verify()
})
