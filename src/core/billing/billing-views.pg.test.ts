import assert from 'node:assert/strict'
import { after, before, describe, it, test } from 'node:test'
import { type BillingScene, newBillingScene } from '../../../test/kit/billing-scene.ts'
import type { Customer } from '../../../test/kit/books.ts'
import type { Db } from '../../db/database.ts'
import { publicIdOf } from '../../lib/ids.ts'
import { readStatement } from '../ledger/account-statement.ts'
import {
  findInvoiceByNumber,
  findOpenRenewal,
  findOpenRenewals,
  latestInvoiceOfServer,
  listInvoices,
  readInvoice,
} from './invoice-views.ts'
import { listPurchases, readPurchase } from './purchase-views.ts'
import { listMovements } from './wallet-movements.ts'
import { readWallet } from './wallet-views.ts'

const UNIT = 1_000_000n
const ALL = { offset: 0, limit: 100 }
const NOT_FOUND = { name: 'Refusal', code: 'not_found' }
let scene: BillingScene
let db: Db
let accountId: bigint
let stranger: Customer

before(async () => {
  scene = await newBillingScene()
  db = scene.books.database.db
  accountId = scene.carl.accountId
  stranger = await scene.books.customer('EUR')
})

after(async () => {
  await scene?.books.close()
})

describe('purchases', () => {
  it('are read with their lines and their invoice', async () => {
    const { lines, invoice, ...purchase } = await readPurchase(db, { accountId, id: scene.paid })
    assert.equal(purchase.state, 'paid')
    assert.deepEqual([purchase.netMicros, purchase.grossMicros], [8n * UNIT, 10n * UNIT])
    assert.equal(purchase.promoApplicable, false)
    assert.deepEqual(
      lines.map((line) => [line.kind, line.subscriptionId, line.serverId, line.grossMicros]),
      [
        ['server', 1n, 1n, 5n * UNIT],
        ['server-addon', 6n, 1n, 5n * UNIT],
      ],
    )
    assert.deepEqual(
      lines.map((line) => line.minimumBillingCycle),
      [1, null],
    )
    assert.equal(lines[0]?.periodFrom.toISOString(), '2026-02-01T00:00:00.000Z')
    assert.deepEqual(
      [invoice?.number, invoice?.original, invoice?.state],
      [1_000_000_001n, true, 'paid'],
    )
    assert.equal(invoice?.purchaseId, scene.paid)
  })

  it('show the lines that were voided with them, and no invoice where they cost nothing', async () => {
    const cancelled = await readPurchase(db, { accountId, id: scene.cancelled })
    assert.equal(cancelled.lines.length, 1)
    assert.equal(cancelled.invoice?.state, 'cancelled')
    const free = await readPurchase(db, { accountId, id: scene.free })
    assert.equal(free.invoice, null)
  })

  it('are listed by state, newest first, by page and by the last one seen', async () => {
    const idsOf = async (states: ('paid' | 'awaiting_payment')[], window: typeof ALL) => {
      const { purchases, total } = await listPurchases(db, { accountId, states, window })
      return [purchases.map((purchase) => purchase.id), total]
    }
    const { free, second, open, paid } = scene
    assert.deepEqual(await idsOf(['paid'], ALL), [[free, second, paid], 3])
    assert.deepEqual(await idsOf(['paid', 'awaiting_payment'], { offset: 1, limit: 2 }), [
      [second, open],
      4,
    ])
    const below = await listPurchases(db, {
      accountId,
      states: ['paid'],
      window: { before: free, limit: 1 },
    })
    assert.deepEqual([below.purchases[0]?.id, below.total], [second, null])
  })

  it('carry their code with what it takes off', async () => {
    await scene.books.tamper(`
      insert into promo_code (code, percent_ppm, minimum_billing_cycle, created_at)
      values ('SPRING', 500000, 3, now());
      update purchase_line set promo_code_id = 1, list_net = 16000000, list_gross = 20000000
      where purchase_id = ${scene.processing}`)
    const { promo, lines, promoApplicable } = await readPurchase(db, {
      accountId,
      id: scene.processing,
    })
    const expected = {
      code: 'SPRING',
      percentPpm: 500_000,
      minimumBillingCycle: 3,
      discountNetMicros: 8n * UNIT,
      discountGrossMicros: 10n * UNIT,
    }
    assert.deepEqual(promo, expected)
    assert.deepEqual(lines[0]?.promo, expected)
    assert.equal(promoApplicable, false)
    const open = await readPurchase(db, { accountId, id: scene.open })
    assert.deepEqual([open.promo, open.promoApplicable], [null, true])
  })
})

describe('invoices', () => {
  it('are found by their id, their public id and both of their numbers', async () => {
    const found = await findInvoiceByNumber(db, { accountId, number: 1_000_000_001n })
    assert.equal(found?.purchaseId, scene.paid)
    assert.deepEqual(await findInvoiceByNumber(db, { accountId, number: scene.paid }), found)
    assert.deepEqual(await readInvoice(db, { accountId, name: String(found?.id) }), found)
    const name = publicIdOf('inv', found?.publicId ?? '')
    assert.deepEqual(await readInvoice(db, { accountId, name }), found)
  })

  it('go by the number of their purchase while they are open', async () => {
    const open = await findInvoiceByNumber(db, { accountId, number: scene.open })
    assert.deepEqual([open?.number, open?.original, open?.state], [scene.open, false, 'unpaid'])
  })

  it('are not found by what is no name', async () => {
    for (const name of ['', '0', '-1', '1.5', 'inv_', 'vps_0123', `${'9'.repeat(30)}`]) {
      await assert.rejects(readInvoice(db, { accountId, name }), NOT_FOUND)
    }
  })

  it('are listed, all or by state or by server', async () => {
    const numbers = async (o: { state?: 'paid' | 'unpaid'; serverId?: bigint }) => {
      const { invoices, total } = await listInvoices(db, { accountId, window: ALL, ...o })
      assert.equal(total, invoices.length)
      return invoices.map((invoice) => invoice.purchaseId).toSorted()
    }
    const { paid, open, processing, cancelled, second } = scene
    assert.deepEqual(await numbers({}), [paid, open, processing, cancelled, second])
    assert.deepEqual(await numbers({ state: 'unpaid' }), [open, processing])
    assert.deepEqual(await numbers({ serverId: 1n }), [paid, open])
    assert.deepEqual(await numbers({ serverId: 3n }), [cancelled])
  })

  it('tell what a server waits for, and what was made out last', async () => {
    const open = await findOpenRenewal(db, { accountId, serverId: 1n })
    assert.equal(open?.purchaseId, scene.open)
    assert.equal(await findOpenRenewal(db, { accountId, serverId: 3n }), undefined)
    const serverIds = [1n, 2n, 3n, 4n]
    const many = await findOpenRenewals(db, { accountId, serverIds })
    assert.deepEqual(
      [...many].map(([serverId, invoice]) => [serverId, invoice.purchaseId]),
      [
        [1n, scene.open],
        [2n, scene.processing],
      ],
    )
    const latest = await latestInvoiceOfServer(db, { accountId, serverId: 3n })
    assert.deepEqual([latest?.purchaseId, latest?.state], [scene.cancelled, 'cancelled'])
  })
})

describe('the wallet', () => {
  it('says what it holds, what came last and what will be asked of it', async () => {
    await scene.books.tamper(`
      insert into plan_price values (1, 'EUR', 1, 5000000);
      insert into addon_price values (1, 'EUR', 1, 1000000)`)
    const now = new Date('2026-01-15T00:00:00Z')
    const wallet = await readWallet(db, { accountId, now })
    const { lastDeposit, ...rest } = wallet
    assert.deepEqual(rest, {
      balanceMicros: 73n * UNIT,
      heldMicros: 10n * UNIT,
      currency: 'EUR',
      hasCard: true,
      // The open one of 10, and server 3 on 1 February; 2 is being paid, the others come later.
      expectedExpensesMicros: 15n * UNIT,
    })
    assert.deepEqual([lastDeposit?.method, lastDeposit?.amountMicros], ['card', 3n * UNIT])
  })

  it('tells each movement, with the balance after it', async () => {
    const { movements, total } = await listMovements(db, { accountId, window: ALL })
    assert.equal(total, movements.length)
    const label = 'Small'
    assert.deepEqual(
      movements.map((one) => [one.kind, one.amountMicros / UNIT, one.balanceAfterMicros / UNIT]),
      [
        ['card', 3n, 73n],
        ['reversal', 10n, 70n],
        ['renewal', -10n, 60n],
        ['renewal', -10n, 70n],
        ['renewal', -10n, 80n],
        ['renewal', -10n, 90n],
        ['credit', 100n, 100n],
      ],
    )
    assert.deepEqual(
      movements.map((one) => [one.description, one.purchaseId, one.invoice?.number ?? null]),
      [
        ['Card ending in 4242', scene.second, 1_000_000_002n],
        [`Returned: ${label} and 1 more`, scene.open, scene.open],
        [`${label} and 1 more`, scene.open, scene.open],
        [label, scene.processing, scene.processing],
        [label, scene.second, 1_000_000_002n],
        [`${label} and 1 more`, scene.paid, 1_000_000_001n],
        ['Credit', null, null],
      ],
    )
    const ids = movements.map((one) => one.publicId)
    assert.equal(new Set(ids).size, ids.length)
    for (const id of ids) assert.match(id, /^txn_[0-9a-hjkmnp-tv-z]{26}$/)
    const again = await listMovements(db, { accountId, window: ALL })
    assert.deepEqual(again.movements, movements)
  })

  it('tells the same of a movement on whichever page it is', async () => {
    const { movements } = await listMovements(db, { accountId, window: ALL })
    for (const [at, movement] of movements.entries()) {
      const byOffset = await listMovements(db, { accountId, window: { offset: at, limit: 1 } })
      assert.deepEqual(byOffset.movements, [movement])
      const before = movements[at - 1]?.id
      const byId = await listMovements(db, { accountId, window: { before, limit: 1 } })
      assert.deepEqual([byId.movements, byId.total], [[movement], null])
    }
    const credits = await listMovements(db, { accountId, kind: 'credit', window: ALL })
    assert.deepEqual(credits, { movements: movements.slice(-1), total: 1 })
  })

  it('tells orders and refunds of the panels', async () => {
    const { books } = scene
    const customer = await books.customer('USD')
    await books.credit(customer, 9n * UNIT)
    await books.credit(customer, -1n * UNIT)
    const orderId = await books.order(customer, 5n * UNIT)
    await books.enter(customer, orderId, 'partial', 2n * UNIT)
    const { movements } = await listMovements(db, { accountId: customer.accountId, window: ALL })
    assert.deepEqual(
      movements.map((one) => [one.kind, one.description, one.balanceAfterMicros / UNIT]),
      [
        ['refund', `Refund of order ${orderId}`, 5n],
        ['order', `Order ${orderId}: Image tagging`, 3n],
        ['credit', 'Credit taken back', 8n],
        ['credit', 'Credit', 9n],
      ],
    )
    assert.deepEqual(
      movements.map((one) => one.orderId),
      [orderId, orderId, null, null],
    )
  })
})

test('the operator sees every leg of it', async () => {
  const { entries } = await readStatement(db, { accountId, before: null, limit: 100 })
  const { paid, open, processing, second } = scene
  assert.deepEqual(
    entries.map((entry) => [entry.description, entry.amountMicros / UNIT]),
    [
      [`Charge of a card for purchase ${second}`, 3n],
      [`Returned from purchase ${open}`, 10n],
      [`Tax of purchase ${second}`, 0n],
      [`Net of purchase ${second}`, 0n],
      [`Tax of purchase ${paid}`, 0n],
      [`Net of purchase ${paid}`, 0n],
      [`Held for purchase ${open}`, -10n],
      [`Held for purchase ${processing}`, -10n],
      [`Held for purchase ${second}`, -10n],
      [`Held for purchase ${paid}`, -10n],
      ['Credit: a transfer that came by post', 100n],
    ],
  )
})

describe("another account's", () => {
  it('purchases, invoices and movements are not there', async () => {
    const foreign = stranger.accountId
    const mine = await findInvoiceByNumber(db, { accountId, number: scene.open })
    await assert.rejects(readPurchase(db, { accountId: foreign, id: scene.paid }), NOT_FOUND)
    for (const name of [String(mine?.id), publicIdOf('inv', mine?.publicId ?? '')]) {
      await assert.rejects(readInvoice(db, { accountId: foreign, name }), NOT_FOUND)
    }
    const number = scene.open
    assert.equal(await findInvoiceByNumber(db, { accountId: foreign, number }), undefined)
    assert.equal(await findOpenRenewal(db, { accountId: foreign, serverId: 1n }), undefined)
    assert.equal(await latestInvoiceOfServer(db, { accountId: foreign, serverId: 1n }), undefined)
    const all = { accountId: foreign, window: ALL }
    assert.deepEqual(await listInvoices(db, all), { invoices: [], total: 0 })
    assert.deepEqual(await listInvoices(db, { ...all, serverId: 1n }), { invoices: [], total: 0 })
    const states = ['paid', 'awaiting_payment'] as const
    assert.deepEqual(await listPurchases(db, { ...all, states }), { purchases: [], total: 0 })
    assert.deepEqual(await listMovements(db, all), { movements: [], total: 0 })
    const wallet = await readWallet(db, { accountId: foreign, now: new Date() })
    assert.deepEqual(wallet, {
      balanceMicros: 0n,
      heldMicros: 0n,
      currency: 'EUR',
      hasCard: false,
      lastDeposit: null,
      expectedExpensesMicros: 0n,
    })
    await assert.rejects(readWallet(db, { accountId: 999n, now: new Date() }), NOT_FOUND)
  })
})
