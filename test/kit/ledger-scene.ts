/** Books in which everything that the ledger knows has happened once. */
import { placeHolds, releaseHolds, settleHolds } from '../../src/core/ledger/holds.ts'
import { systemAccount } from '../../src/core/ledger/system-account.ts'
import { lockWallets } from '../../src/core/lock-wallets.ts'
import { type Books, type Customer, newBooks } from './books.ts'

const UNIT = 1_000_000n

/** Everything that the ledger knows has happened once; the numbers are those the plants name. */
export interface Scene {
  readonly books: Books
  readonly anna: Customer
  readonly bert: Customer
  readonly sven: Customer
  /** Pending · in progress · completed · partial with a refund of 1.00; each charged 4.00. */
  readonly orders: readonly [bigint, bigint, bigint, bigint]
  readonly creditId: bigint
  /** Held · settled in part · released. */
  readonly holds: readonly [bigint, bigint, bigint]
  readonly revenueId: bigint
}

export async function newScene(): Promise<Scene> {
  const books = await newBooks()
  const anna = await books.customer()
  const bert = await books.customer()
  const sven = await books.customer('SEK')
  const creditId = await books.credit(anna, 100n * UNIT)
  await books.credit(anna, -1n * UNIT)
  await books.credit(bert, 50n * UNIT)
  await books.credit(sven, 70n * UNIT)
  const placed: bigint[] = []
  for (let i = 0; i < 4; i++) placed.push(await books.order(anna, 4n * UNIT))
  const [one = 0n, two = 0n, three = 0n, four = 0n] = placed
  await books.order(bert, 0n)
  await books.enter(anna, two, 'in_progress')
  await books.enter(anna, three, 'in_progress')
  await books.enter(anna, three, 'completed')
  await books.enter(anna, four, 'partial', 1n * UNIT)
  const { revenueId, holds } = await books.database.transaction(async (tx) => {
    const wallets = await lockWallets(tx, [anna.accountId, bert.accountId])
    const context = { tx, now: new Date(), wallets }
    const revenueId = await systemAccount(tx, 'revenue', 'USD')
    const draft = (accountId: bigint) => ({
      accountId,
      amountMicros: 5n * UNIT,
      subject: { kind: 'test', id: 1n },
    })
    const [held = 0n, settled = 0n, released = 0n] = await placeHolds(context, [
      draft(anna.accountId),
      draft(anna.accountId),
      draft(bert.accountId),
    ])
    await settleHolds(context, [{ holdId: settled, amountMicros: 2n * UNIT, taxMicros: 0n }])
    await releaseHolds(context, [released])
    return { revenueId, holds: [held, settled, released] as const }
  })
  return {
    books,
    anna,
    bert,
    sven,
    orders: [one, two, three, four],
    creditId,
    holds,
    revenueId,
  }
}
