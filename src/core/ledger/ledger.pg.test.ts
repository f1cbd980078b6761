import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { assertVerified } from '../../../test/kit/assert-verified.ts'
import { type Books, newBooks } from '../../../test/kit/books.ts'
import { execute } from '../execute.ts'
import { lockWallets } from '../lock-wallets.ts'
import { Refusal, type RefusalCode } from '../refusal.ts'
import { readStatement } from './account-statement.ts'
import { readBalances } from './balances.ts'
import { type GrantCreditInput, grantCredit } from './grant-credit.ts'
import type { TransferDraft } from './ledger.ts'
import { postTransfers } from './post-transfers.ts'
import { systemAccount } from './system-account.ts'
import { changeWalletCurrency } from './wallets.ts'

const UNIT = 1_000_000n
let books: Books

before(async () => {
  books = await newBooks()
})

after(async () => {
  await books?.close()
})

const refused = (code: RefusalCode) => (error: unknown) =>
  error instanceof Refusal && error.code === code

async function grant(input: GrantCreditInput, idempotencyKey: string | null = null) {
  const actor = { kind: 'operator', operatorId: 1n } as const
  return await execute(books.funnel, grantCredit, { actor, input, idempotencyKey })
}

async function rows(query: string): Promise<Record<string, unknown>[]> {
  return (await books.database.pool.query(query)).rows
}

test('transfers and events are never changed or deleted', async () => {
  await books.credit(await books.customer(), UNIT)
  for (const table of ['transfer', 'event']) {
    const refusal = { code: '23001', constraint: `${table}_append_only` }
    await assert.rejects(rows(`update ${table} set created_at = now()`), refusal)
    await assert.rejects(rows(`delete from ${table}`), refusal)
    await assert.rejects(rows(`delete from ${table} where false`), refusal)
    await assert.rejects(rows(`truncate ${table}`), refusal)
    await assert.rejects(rows(`truncate ${table} cascade`), refusal)
  }
})

test('the database refuses a transfer that names accounts it must not', async () => {
  const anna = await books.customer()
  const bert = await books.customer()
  const sven = await books.customer('SEK')
  await books.credit(anna, UNIT)
  const source = await books.database.transaction((tx) => systemAccount(tx, 'clearing', 'USD'))
  const draft: TransferDraft = {
    debitId: source,
    creditId: anna.walletId,
    amountMicros: 1n,
    currency: 'USD',
    causeKind: 'credit',
    causeId: 4_000n,
    accountId: anna.accountId,
    createdAt: new Date(),
  }
  const wrong: [Partial<TransferDraft>, string][] = [
    [{ debitId: 999_999n }, 'transfer_ledger_account'],
    [{ creditId: 999_999n }, 'transfer_ledger_account'],
    [{ currency: 'SEK' }, 'transfer_ledger_account'],
    [{ creditId: sven.walletId }, 'transfer_ledger_account'],
    [{ creditId: bert.walletId }, 'transfer_ledger_account'],
    [{ accountId: bert.accountId }, 'transfer_ledger_account'],
    [{ amountMicros: 0n }, 'transfer_amount_positive'],
    [{ amountMicros: -1n }, 'transfer_amount_positive'],
    [{ debitId: anna.walletId }, 'transfer_two_accounts'],
  ]
  for (const [change, constraint] of wrong) {
    await assert.rejects(
      books.database.transaction((tx) => postTransfers(tx, [{ ...draft, ...change }])),
      { constraint },
    )
  }
  assert.equal(await books.balance(anna), UNIT)
})

test('a set of transfers is made as a whole, and no balance passes its floor', async () => {
  const anna = await books.customer()
  const bert = await books.customer()
  await books.credit(anna, 10n * UNIT)
  await books.credit(bert, 10n * UNIT)
  const revenueId = await books.database.transaction((tx) => systemAccount(tx, 'revenue', 'USD'))
  const draft = (customer: typeof anna, amountMicros: bigint, causeId: bigint): TransferDraft => ({
    debitId: customer.walletId,
    creditId: revenueId,
    amountMicros,
    currency: 'USD',
    causeKind: 'order',
    causeId,
    accountId: customer.accountId,
    createdAt: new Date(),
  })
  const post = (drafts: readonly TransferDraft[]) =>
    books.database.transaction((tx) => postTransfers(tx, drafts))
  const count = await rows('select count(*) from transfer')
  await assert.rejects(
    post([draft(anna, 4n * UNIT, 5_001n), draft(bert, 10n * UNIT + 1n, 5_002n)]),
    refused('insufficient_funds'),
  )
  await assert.rejects(
    post([draft(anna, 6n * UNIT, 5_001n), draft(anna, 6n * UNIT, 5_002n)]),
    refused('insufficient_funds'),
  )
  await assert.rejects(
    post([draft(anna, UNIT, 5_001n), draft(anna, UNIT, 5_001n)]),
    refused('conflict'),
  )
  assert.deepEqual(await rows('select count(*) from transfer'), count)
  await post([])
  await post([draft(anna, 4n * UNIT, 5_001n), draft(anna, 6n * UNIT, 5_002n)])
  assert.deepEqual(
    await readBalances(books.database.pool, [anna.walletId, bert.walletId, revenueId, 999_999n]),
    new Map([
      [anna.walletId, { id: anna.walletId, balance: 0n, keyEpoch: 1n }],
      [bert.walletId, { id: bert.walletId, balance: 10n * UNIT, keyEpoch: 1n }],
    ]),
  )
  // These transfers stand for orders that this test has not made.
  await books.tamper('delete from transfer where cause_id in (5001, 5002)')
  await books.tamper(
    `update ledger_account set balance = ${10n * UNIT} where id = ${anna.walletId}`,
  )
})

test('who asks first for a system account at once with others gets the same', async () => {
  const ids = await Promise.all(
    Array.from({ length: 12 }, () =>
      books.database.transaction((tx) => systemAccount(tx, 'clearing', 'JPY')),
    ),
  )
  assert.equal(new Set(ids).size, 1)
  const usd = await books.database.transaction((tx) => systemAccount(tx, 'clearing', 'USD'))
  assert.notEqual(usd, ids[0])
})

test('wallets are locked in id order and read as they are then', async () => {
  const anna = await books.customer()
  const sven = await books.customer('SEK')
  await books.credit(sven, UNIT)
  await books.database.transaction(async (tx) => {
    const accountIds = [sven.accountId, 999_999n, anna.accountId, sven.accountId]
    assert.deepEqual(
      [...(await lockWallets(tx, accountIds)).values()],
      [
        { ...anna, id: anna.walletId, balanceMicros: 0n, floorMicros: 0n, heldId: null },
        { ...sven, id: sven.walletId, balanceMicros: UNIT, floorMicros: 0n, heldId: null },
      ].map(({ walletId: _, ...wallet }) => wallet),
    )
    await assert.rejects(
      rows(`select from ledger_account where id = ${anna.walletId} for no key update nowait`),
      { code: '55P03' },
    )
  })
})

test('transfers over the same wallets from many sides end without a deadlock', async () => {
  const customers = await Promise.all(Array.from({ length: 5 }, () => books.customer()))
  const sourceId = await books.database.transaction((tx) => systemAccount(tx, 'clearing', 'USD'))
  const deadlocks = 'select deadlocks from pg_stat_database where datname = current_database()'
  const before = await rows(deadlocks)
  await Promise.all(
    Array.from({ length: 16 }, (_, round) =>
      books.database.transaction((tx) =>
        postTransfers(
          tx,
          (round % 2 ? customers : customers.toReversed()).map((customer) => ({
            debitId: sourceId,
            creditId: customer.walletId,
            amountMicros: 1n,
            currency: 'USD',
            causeKind: 'credit',
            causeId: 6_000n + BigInt(round),
            leg: Number(customer.walletId),
            accountId: customer.accountId,
            createdAt: new Date(),
          })),
        ),
      ),
    ),
  )
  for (const customer of customers) assert.equal(await books.balance(customer), 16n)
  assert.deepEqual(await rows(deadlocks), before)
  await books.tamper('delete from transfer where cause_id between 6000 and 6100')
  await books.tamper(
    `update ledger_account set balance = 0 where id in (${customers.map((c) => c.walletId)})`,
  )
})

test('the currency of a wallet is fixed by its first transfer', async () => {
  const anna = await books.customer()
  await books.database.transaction((tx) => changeWalletCurrency(tx, anna.accountId, 'EUR'))
  await books.credit(anna, UNIT)
  await assert.rejects(
    books.database.transaction((tx) => changeWalletCurrency(tx, anna.accountId, 'USD')),
    refused('currency_fixed'),
  )
  await assert.rejects(
    books.database.transaction((tx) => changeWalletCurrency(tx, 999_999n, 'USD')),
    refused('not_found'),
  )
  const wallet = await books.database.db
    .selectFrom('ledger_account')
    .select('currency')
    .where('id', '=', anna.walletId)
    .executeTakeFirst()
  assert.equal(wallet?.currency, 'EUR')
})

test('an operator credits an account, and corrects down to the floor', async () => {
  const anna = await books.customer()
  const accountId = String(anna.accountId)
  const first = await grant(
    { accountId, amountMicros: '100842920', reason: 'Opening balance' },
    'a',
  )
  assert.equal(first.output.balanceMicros, '100842920')
  assert.equal(first.output.currency, 'USD')
  const again = await grant(
    { accountId, amountMicros: '100842920', reason: 'Opening balance' },
    'a',
  )
  assert.deepEqual(again, { output: first.output, replayed: true })
  const back = await grant({ accountId, amountMicros: '-842920', reason: 'Typed wrongly' })
  assert.equal(back.output.balanceMicros, '100000000')
  assert.deepEqual(
    await rows(`select t.cause_kind, d.kind as from_kind, c.kind as to_kind, t.amount
      from transfer t join ledger_account d on d.id = t.debit_id
      join ledger_account c on c.id = t.credit_id
      where t.account_id = ${accountId} order by t.id`),
    [
      { cause_kind: 'credit', from_kind: 'credit_granted', to_kind: 'wallet', amount: 100842920n },
      { cause_kind: 'credit', from_kind: 'wallet', to_kind: 'credit_granted', amount: 842920n },
    ],
  )
  const events = await rows(`select kind, subject_id::text as id, data, actor_id from event
    where account_id = ${accountId} order by tx_id, id`)
  assert.deepEqual(events, [
    {
      kind: 'credit.granted',
      id: first.output.id,
      data: { amount_micros: '100842920' },
      actor_id: 1n,
    },
    {
      kind: 'credit.taken_back',
      id: back.output.id,
      data: { amount_micros: '-842920' },
      actor_id: 1n,
    },
  ])
  assert.deepEqual(
    await rows(`select reason from credit where account_id = ${accountId} order by id`),
    [{ reason: 'Opening balance' }, { reason: 'Typed wrongly' }],
  )
})

test('a credit that cannot be is refused and leaves nothing', async () => {
  const anna = await books.customer()
  const good = { accountId: String(anna.accountId), amountMicros: '5000000', reason: 'Gift' }
  await grant(good)
  const all = () =>
    rows(`select (select count(*) from transfer) as transfers, (select count(*) from event) as events,
      (select count(*) from credit) as credits, (select count(*) from idempotency) as keys`)
  const before = await all()
  const wrong: [Partial<GrantCreditInput>, RefusalCode][] = [
    [{ amountMicros: '-5000001' }, 'insufficient_funds'],
    [{ accountId: '999999' }, 'not_found'],
    [{ accountId: '1e3' }, 'not_found'],
    [{ accountId: '99999999999999999999' }, 'not_found'],
    [{ amountMicros: '9000000000000000000' }, 'invalid_input'],
    [{ amountMicros: '9999999999999999999' }, 'invalid_input'],
    ...['0', '-0', '', '1.5', '1e6', '+1', ' 1', '٣', 'NaN', '--1'].map(
      (amountMicros): [Partial<GrantCreditInput>, RefusalCode] => [
        { amountMicros },
        'invalid_input',
      ],
    ),
    [{ reason: ' ' }, 'invalid_input'],
    [{ reason: 'a\0b' }, 'invalid_input'],
    [{ reason: 'x'.repeat(501) }, 'invalid_input'],
  ]
  for (const [change, code] of wrong) {
    await assert.rejects(grant({ ...good, ...change }, 'k'), refused(code), JSON.stringify(change))
  }
  await assert.rejects(
    execute(books.funnel, grantCredit, {
      actor: { kind: 'user', userId: 1n, accountId: anna.accountId, scopes: ['write:all'] },
      input: good,
      idempotencyKey: null,
    }),
    refused('insufficient_scope'),
  )
  assert.deepEqual(await all(), before)
  assert.equal(await books.balance(anna), 5n * UNIT)
})

test('a statement lists the transfers of one account page by page, newest first', async () => {
  const anna = await books.customer()
  const bert = await books.customer()
  await books.credit(anna, 10n * UNIT)
  await books.credit(bert, 10n * UNIT)
  const orders: bigint[] = []
  for (let i = 1n; i <= 4n; i++) orders.push(await books.order(anna, i))
  await books.enter(anna, orders[0] ?? 0n, 'failed', 1n)
  const seen: string[] = []
  let before: bigint | null = null
  do {
    const page = await readStatement(books.database.db, {
      accountId: anna.accountId,
      before,
      limit: 2,
    })
    assert.ok(page.entries.length <= 2)
    seen.push(...page.entries.map((entry) => `${entry.causeKind} ${entry.amountMicros}`))
    before = page.next
  } while (before !== null)
  assert.deepEqual(seen, [
    'order_refund 1',
    'order -4',
    'order -3',
    'order -2',
    'order -1',
    'credit 10000000',
  ])
  const none = await readStatement(books.database.db, {
    accountId: 999_999n,
    before: null,
    limit: 5,
  })
  assert.deepEqual(none, { entries: [], next: null })
})

test('the books of this file balance in the end', async () => {
  await assertVerified(books.database)
})
