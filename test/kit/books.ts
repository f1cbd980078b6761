/** A database with a few customers whose money has moved in every way, for tests of the ledger. */
import { sql } from 'kysely'
import { SYSTEM } from '../../src/core/actor.ts'
import { execute, type Funnel } from '../../src/core/execute.ts'
import { grantCredit } from '../../src/core/ledger/grant-credit.ts'
import { postTransfers } from '../../src/core/ledger/post-transfers.ts'
import { systemAccount } from '../../src/core/ledger/system-account.ts'
import { openWallet } from '../../src/core/ledger/wallets.ts'
import { type Database, openDatabase, type Tx } from '../../src/db/database.ts'
import { ShiftedClock } from '../../src/lib/clock.ts'
import { testDatabase } from './postgres.ts'

export interface Customer {
  readonly accountId: bigint
  readonly walletId: bigint
  readonly currency: string
}

export interface Books {
  readonly database: Database
  readonly funnel: Funnel
  /** An account with an empty wallet. */
  customer(currency?: string): Promise<Customer>
  /** Gives (or, negative, takes) an amount in micros; returns the credit's number. */
  credit(customer: Customer, amountMicros: bigint): Promise<bigint>
  /** Places an order that is charged `chargeMicros`; returns its number. */
  order(customer: Customer, chargeMicros: bigint): Promise<bigint>
  /** Brings an order into a state, with its event, and gives `refundMicros` back: its share. */
  enter(customer: Customer, orderId: bigint, state: string, refundMicros?: bigint): Promise<void>
  balance(customer: Customer): Promise<bigint>
  /** Runs statements with triggers and foreign keys off, as somebody who tampers would. */
  tamper(statements: string): Promise<void>
  close(): Promise<void>
}

const SERVICE = 1n
const QUANTITY = 100n
const TERMINAL = ['partial', 'completed', 'done', 'canceled', 'failed']

export async function newBooks(): Promise<Books> {
  const place = await testDatabase()
  const database = openDatabase(place.connection, { max: 20, connectWithinMs: 60_000 })
  const funnel = { database, clock: new ShiftedClock() }
  let orders = 0n
  await database.transaction(addService)
  return {
    database,
    funnel,
    customer: (currency = 'USD') => database.transaction((tx) => addCustomer(tx, currency)),
    async credit(customer, amountMicros) {
      const { output } = await execute(funnel, grantCredit, {
        actor: SYSTEM,
        input: {
          accountId: String(customer.accountId),
          amountMicros: String(amountMicros),
          reason: 'a transfer that came by post',
        },
        idempotencyKey: null,
      })
      return BigInt(output.id)
    },
    async order(customer, chargeMicros) {
      const id = ++orders
      await database.transaction((tx) => addOrder(tx, { id, customer, chargeMicros }))
      return id
    },
    async enter(customer, orderId, state, refundMicros = 0n) {
      await database.transaction((tx) => enterState(tx, { customer, orderId, state, refundMicros }))
    },
    async balance(customer) {
      const { rows } = await database.pool.query<{ balance: bigint }>(
        'select balance from ledger_account where id = $1',
        [customer.walletId],
      )
      return rows[0]?.balance ?? -1n
    },
    async tamper(statements) {
      await database.pool.query(`begin; set local session_replication_role = replica;
        ${statements}; commit`)
    },
    async close() {
      await database.close()
      await place.drop()
    },
  }
}

async function addService(tx: Tx): Promise<void> {
  const now = new Date()
  const category = await tx
    .insertInto('service_category')
    .values({ name: 'Pictures' })
    .returning('id')
    .executeTakeFirstOrThrow()
  await tx
    .insertInto('service')
    .values({
      id: SERVICE,
      category_id: category.id,
      name: 'Image tagging',
      type: 'Default',
      min_quantity: 1n,
      max_quantity: 1000n,
      created_at: now,
      updated_at: now,
    })
    .execute()
}

async function addCustomer(tx: Tx, currency: string): Promise<Customer> {
  const { id: accountId } = await sql<{ id: bigint }>`
    insert into account (email, name, currency, time_zone, created_at, updated_at)
    values (gen_random_uuid() || '@example.com', 'Customer', ${currency}, 'UTC', now(), now())
    returning id`
    .execute(tx)
    .then(({ rows }) => rows[0] ?? { id: -1n })
  return { accountId, walletId: await openWallet(tx, { accountId, currency }), currency }
}

async function addOrder(
  tx: Tx,
  o: { id: bigint; customer: Customer; chargeMicros: bigint },
): Promise<void> {
  const now = new Date()
  const { accountId, walletId, currency } = o.customer
  await tx
    .insertInto('service_order')
    .values({
      id: o.id,
      account_id: accountId,
      service_id: SERVICE,
      quantity: QUANTITY,
      link: 'https://example.com/pictures',
      currency,
      list_charge: o.chargeMicros,
      charge: o.chargeMicros,
      remains: QUANTITY,
      provider: 'simulated',
      look_at: now,
      created_at: now,
      updated_at: now,
    })
    .execute()
  await addEvent(tx, { kind: 'order.placed', orderId: o.id, accountId })
  if (o.chargeMicros === 0n) return
  await postTransfers(tx, [
    {
      debitId: walletId,
      creditId: await systemAccount(tx, 'revenue', currency),
      amountMicros: o.chargeMicros,
      currency,
      causeKind: 'order',
      causeId: o.id,
      accountId,
      createdAt: now,
    },
  ])
}

async function enterState(
  tx: Tx,
  o: { customer: Customer; orderId: bigint; state: string; refundMicros: bigint },
): Promise<void> {
  const { accountId, walletId, currency } = o.customer
  const now = new Date()
  await sql`update service_order set state = ${o.state}, refunded = refunded + ${o.refundMicros},
    remains = case when ${o.state} in ('partial', 'canceled')
      then coalesce(div(${o.refundMicros} * quantity, nullif(charge, 0)), 0)
      when ${o.state} = 'completed' then 0 else remains end,
    look_at = case when ${TERMINAL.includes(o.state)} then null else look_at end
    where id = ${o.orderId}`.execute(tx)
  await addEvent(tx, { kind: `order.${o.state}`, orderId: o.orderId, accountId })
  if (o.refundMicros === 0n) return
  const refund = await tx
    .insertInto('order_refund')
    .values({
      order_id: o.orderId,
      account_id: accountId,
      cause: o.state,
      amount: o.refundMicros,
      created_at: now,
    })
    .returning('id')
    .executeTakeFirstOrThrow()
  await postTransfers(tx, [
    {
      debitId: await systemAccount(tx, 'revenue', currency),
      creditId: walletId,
      amountMicros: o.refundMicros,
      currency,
      causeKind: 'order_refund',
      causeId: refund.id,
      accountId,
      createdAt: now,
    },
  ])
}

async function addEvent(
  tx: Tx,
  o: { kind: string; orderId: bigint; accountId: bigint },
): Promise<void> {
  await tx
    .insertInto('event')
    .values({
      kind: o.kind,
      subject_id: o.orderId,
      account_id: o.accountId,
      actor_kind: 'system',
      created_at: new Date(),
    })
    .execute()
}
